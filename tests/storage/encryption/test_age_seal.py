"""Key files that are encrypted by age: who opens them, and that nobody loses them."""

from __future__ import annotations

import io
import subprocess
from functools import partial
from pathlib import Path

import pytest

from strongroom.backup.age import Sealer, Stanza
from strongroom.backup.age_keys import Identity, Recipient
from strongroom.storage.encryption.age_seal import AgeSeal
from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.passphrasefile import PassphraseFile
from strongroom.storage.encryption.port import KeyFileSealed, KeyFileUnsafe, KeyServiceError
from tests.parts import require_part


def identity_file(path: Path) -> Identity:
    """A new identity, in a file."""
    made, text = Identity.make()
    path.touch(0o600)
    path.write_text(f"{text}\n")
    return made


def by(path: Path, *recipients: Recipient) -> AgeSeal:
    return AgeSeal(PassphraseFile(str(path), "identity file"), str(path), recipients)


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    identity_file(tmp_path / "identity")
    return tmp_path / "identity"


@pytest.mark.needs("age")
def test_age_opens_it_and_seals_what_we_open(identity: Path, tmp_path: Path) -> None:
    path, age = tmp_path / "the.key", str(require_part("age"))
    made = KeyRing.create(path, by(identity))
    made.rotate()
    assert path.stat().st_mode & 0o777 == 0o600
    told = subprocess.run([age, "-d", "-i", identity, path], capture_output=True, check=True)
    assert told.stdout.startswith(b"strongroom key-encryption keys, version 2\n")
    argv = [age, "-e", "-i", str(identity), "-o", str(path)]
    subprocess.run(argv, input=told.stdout, check=True)
    assert KeyRing.load(path, by(identity)).decrypt(made.encrypt(b"seed")) == b"seed"


def test_whoever_is_named_can_open_what_is_written_later(identity: Path, tmp_path: Path) -> None:
    path, spare = tmp_path / "the.key", tmp_path / "spare"
    recipient = identity_file(spare).recipient
    ring = KeyRing.create(path, by(identity, recipient))
    ring.rotate()
    assert KeyRing.load(path, by(spare, recipient)).ids == ring.ids
    before = path.read_bytes()
    forgetful = KeyRing.load(path, by(identity))
    with pytest.raises(KeyServiceError, match="encrypted to 2 recipients, of which 1 are known"):
        forgetful.rotate()
    assert path.read_bytes() == before


def test_stanzas_that_open_nothing_are_no_recipients(identity: Path, tmp_path: Path) -> None:
    path = tmp_path / "the.key"
    ring = KeyRing.create(path)
    own = Identity.parse(identity.read_text().strip()).recipient
    file = io.BytesIO()
    grease = Stanza(("joint-grease", "x"), b"oil")
    sealer = Sealer(file, partial(Recipient.lock, own), lambda _: grease)
    sealer.write(path.read_bytes())
    sealer.finish()
    path.write_bytes(file.getvalue())
    opened = KeyRing.load(path, by(identity))
    opened.rotate()
    assert opened.ids[1:] == ring.ids


def test_another_identity_opens_nothing_and_harms_nothing(identity: Path, tmp_path: Path) -> None:
    path, another = tmp_path / "the.key", tmp_path / "another"
    ring = KeyRing.create(path, by(identity))
    identity_file(another)
    before = path.read_bytes()
    with pytest.raises(KeyServiceError, match=r"cannot be opened with .*another: .* not encrypted"):
        KeyRing.load(path, by(another))
    path.write_bytes(before[:-1])
    with pytest.raises(KeyServiceError, match="damaged or cut off"):
        KeyRing.load(path, by(identity))
    path.write_bytes(before)
    identity.unlink()
    with pytest.raises(KeyServiceError, match=r"cannot read the identity file .*: No such file"):
        ring.rotate()
    assert path.read_bytes() == before


def test_identity_files_that_are_refused(identity: Path, tmp_path: Path) -> None:
    path = tmp_path / "the.key"
    text = identity.read_text()
    for content in (b"# nothing\n", b"AGE-SECRET-KEY-1Q\n", b"\xff\xfe"):
        identity.write_bytes(content)
        with pytest.raises(KeyServiceError, match=r"the identity file .*identity") as caught:
            KeyRing.create(path, by(identity))
        assert caught.value.__cause__ is None
    identity.write_text(text)
    identity.chmod(0o640)
    with pytest.raises(KeyFileUnsafe, match=r"the identity file .* has mode 0640"):
        KeyRing.create(path, by(identity))
    assert not path.exists()


def test_other_seals_are_told(identity: Path, tmp_path: Path) -> None:
    path = tmp_path / "the.key"
    KeyRing.create(path)
    with pytest.raises(KeyFileSealed, match="is not encrypted by age"):
        KeyRing.load(path, by(identity))
    (tmp_path / "sealed").mkdir()
    KeyRing.create(tmp_path / "sealed" / "key", by(identity))
    with pytest.raises(KeyFileSealed, match=r"name it as age:/.*/key\?identity=FILE"):
        KeyRing.load(tmp_path / "sealed" / "key")
