"""Key files that a TPM seals: who opens them, when they stay closed, and what is left nowhere."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.port import KeyFileDamaged, KeyFileSealed, KeyServiceError
from strongroom.storage.encryption.tpm import TPMSeal
from strongroom.storage.encryption.tpm_policy import PCRs
from tests.storage.encryption.softtpm import SoftTPM

DEBUG = PCRs.parse("sha256:16")
"""The register that anybody may set back."""


@pytest.fixture(scope="module")
def tpm() -> Iterator[SoftTPM]:
    made = SoftTPM()
    yield made
    made.close()


@pytest.fixture(scope="module")
def other() -> Iterator[SoftTPM]:
    """Another TPM, whose bank of SHA-1 is off, as on machines of today."""
    made = SoftTPM()
    made.ask("tpm2_pcrallocate", "sha1:none+sha256:all")
    made.stop()
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def bound(tpm: SoftTPM, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key file that is sealed to a PCR, as it is at first."""
    path = tmp_path_factory.mktemp("bound") / "the.key"
    KeyRing.create(path, TPMSeal(DEBUG, tpm.tcti))
    return path


def test_what_is_sealed_opens_and_leaves_nothing_behind(
    tpm: SoftTPM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = subprocess.run
    seen: list[str] = []
    kept: list[bytes] = []
    answers: list[bytes] = []

    def watched(argv: list[str], **settings: Any) -> subprocess.CompletedProcess[bytes]:
        done = run(argv, **settings)
        directory = Path(settings["cwd"])
        assert directory.stat().st_mode & 0o777 == 0o700
        seen.extend([*argv, *map(str, settings["env"].values())])
        kept.extend(file.read_bytes() for file in directory.iterdir())
        answers.extend([done.stdout] if argv[0].endswith("tpm2_unseal") else [])
        return done

    monkeypatch.setattr("strongroom.storage.encryption.tpm_tools.subprocess.run", watched)
    path = tmp_path / "the.key"
    made = KeyRing.create(path, TPMSeal(tcti=tpm.tcti))
    (key,) = answers
    assert len(key) == 32
    first = path.read_text().splitlines()
    assert first[:2] == ["strongroom keys sealed by a TPM, version 1", "pcrs: none"]
    steps = len(seen)
    made.rotate()
    assert len(seen) == steps, "the TPM is not asked again"
    assert path.read_text().splitlines()[:5] == first[:5]
    assert path.stat().st_mode & 0o777 == 0o600

    opened = KeyRing.load(path, TPMSeal(tcti=tpm.tcti))
    assert opened.ids == made.ids
    assert opened.decrypt(made.encrypt(b"seed")) == b"seed"
    assert answers == [key, key]
    forms = (key, key.hex().encode(), base64.b64encode(key))
    said = "\n".join(seen).encode()
    assert not any(form in text for form in forms for text in (said, *kept, path.read_bytes()))
    monkeypatch.undo()
    for kind in ("transient", "loaded-session", "saved-session"):
        assert not tpm.ask("tpm2_getcap", f"handles-{kind}").strip()
    assert not list(Path("/dev/shm").glob("strongroom-tpm-*"))


def test_it_opens_with_the_values_of_then_only(tpm: SoftTPM, bound: Path) -> None:
    before = bound.read_bytes()
    assert b"\npcrs: sha256:16\n" in before
    tpm.extend(16)
    with pytest.raises(KeyServiceError, match=r"PCRs sha256:16 had when it was sealed"):
        KeyRing.load(bound, TPMSeal(tcti=tpm.tcti))
    assert bound.read_bytes() == before
    assert not tpm.ask("tpm2_getcap", "handles-loaded-session").strip()
    tpm.ask("tpm2_pcrreset", "16")
    assert KeyRing.load(bound, TPMSeal(DEBUG, tpm.tcti)).ids


def test_the_policy_is_that_of_the_tools(tpm: SoftTPM, tmp_path: Path) -> None:
    pcrs, values = PCRs.parse("sha384:23,0,8"), tmp_path / "values"
    tpm.ask("tpm2_pcrread", str(pcrs), "-o", str(values))
    policy = tmp_path / "policy"
    tpm.ask("tpm2_createpolicy", "--policy-pcr", "-l", str(pcrs), "-L", str(policy))
    assert pcrs.policy(values.read_bytes()) == policy.read_bytes()
    assert str(pcrs) == "sha384:0,8,23"
    with pytest.raises(ValueError, match="missing"):
        pcrs.policy(b"")


def test_another_tpm_opens_nothing(other: SoftTPM, bound: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyServiceError, match="is sealed by another TPM"):
        KeyRing.load(bound, TPMSeal(tcti=other.tcti))
    # A policy for a bank that is off would ask for nothing.
    with pytest.raises(KeyServiceError, match=r"does not have the PCRs sha1:7: that bank is off"):
        KeyRing.create(tmp_path / "key", TPMSeal(PCRs.parse("sha1:7"), other.tcti))
    assert not (tmp_path / "key").exists()


def test_without_a_tpm_or_its_tools(
    bound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TPM2TOOLS_TCTI", raising=False)
    nowhere = TPMSeal(tcti=f"device:{tmp_path}/tpmrm0")
    with pytest.raises(KeyServiceError, match=r"there is no TPM at device:.*group tss"):
        KeyRing.load(bound, nowhere)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KeyServiceError, match="apt-get install tpm2-tools"):
        KeyRing.create(tmp_path / "key", TPMSeal())
    assert not (tmp_path / "key").exists()


def test_a_tpm_whose_owner_has_a_password(other: SoftTPM, tmp_path: Path) -> None:
    other.ask("tpm2_changeauth", "-c", "owner", "of the owner")
    try:
        with pytest.raises(KeyServiceError, match="owner hierarchy has a password"):
            KeyRing.create(tmp_path / "key", TPMSeal(tcti=other.tcti))
    finally:
        other.ask("tpm2_changeauth", "-c", "owner", "-p", "of the owner")


def test_a_tpm_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = tmp_path / "tpm2_createprimary"
    hangs.write_text("#!/bin/sh\nexec sleep 600\n")
    hangs.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("strongroom.storage.encryption.tpm_tools._PATIENCE", 0.2)
    with pytest.raises(KeyServiceError, match=r"the TPM \(device:/gone\) does not answer"):
        KeyRing.create(tmp_path / "key", TPMSeal(tcti="device:/gone"))


def changed(line: str) -> str:
    """With another first byte in its base64."""
    name, coded = line.split(" ")
    raw = base64.b64decode(coded)
    return f"{name} {base64.b64encode(bytes([raw[-1] ^ 1]).join((raw[:-1], b''))).decode()}"


def test_what_was_changed_is_noticed(bound: Path, tpm: SoftTPM, tmp_path: Path) -> None:
    lines = bound.read_text().splitlines()
    ways = [
        (lines[:5], KeyFileDamaged),
        ([*lines, ""], KeyFileDamaged),
        ([lines[0], "pcrs: sha256:99", *lines[2:]], KeyFileDamaged),
        ([lines[0], "pcrs: none", *lines[2:]], KeyFileDamaged),
        ([*lines[:3], "public: ?", *lines[4:]], KeyFileDamaged),
        ([*lines[:4], changed(lines[4]), lines[5]], KeyFileDamaged),
        ([*lines[:5], changed(lines[5])], KeyFileDamaged),
        ([*lines[:5], "sealed: AAAA"], KeyFileDamaged),
        ([lines[0][:-1], *lines[1:]], KeyFileSealed),
    ]
    path = tmp_path / "the.key"
    path.touch(0o600)
    for way, error in ways:
        path.write_text("".join(f"{line}\n" for line in way))
        with pytest.raises(error):
            KeyRing.load(path, TPMSeal(tcti=tpm.tcti))


def test_other_seals_are_told(bound: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyFileSealed, match=r"sealed to the PCRs sha256:16, and not to sha256:7"):
        KeyRing.load(bound, TPMSeal(PCRs.parse("sha256:7")))
    with pytest.raises(KeyFileSealed, match=r"is sealed by a TPM: name it as tpm:/.*the\.key"):
        KeyRing.load(bound)
    KeyRing.create(tmp_path / "clear")
    with pytest.raises(KeyFileSealed, match=r"is not sealed by a TPM: name it as file:/"):
        KeyRing.load(tmp_path / "clear", TPMSeal())


@pytest.mark.parametrize("text", ["", "7", "sha256", "sha256:", "md5:7", "sha256:24", "sha256:-1"])
def test_what_names_no_pcrs(text: str) -> None:
    with pytest.raises(ValueError, match="PCRs"):
        PCRs.parse(text)
