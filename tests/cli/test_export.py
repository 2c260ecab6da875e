"""`strongroom export` against a server, and the way back by sops and kubectl."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from strongroom.api import yaml_text
from strongroom.backup.age_keys import Identity
from strongroom.cli.main import main
from strongroom.testing.process import Strongroom
from tests.parts import require_part
from tests.sealing.test_sealed_secret import KEY, certificate

PLAIN = "--plaintext-readable-by-anyone"
DATA = {"password": "aHVudGVyMg==", "binary": "AP8=", "empty": "", "lines": "YQpiCg=="}
MADE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "exported"}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "db.one", "labels": {"app": "shop"}, "annotations": {"a": "on"}},
            "type": "example.org/db",
            "immutable": True,
            "data": DATA,
        },
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other"}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": "token",
                "annotations": {"kubernetes.io/service-account.name": "default"},
            },
            "type": "kubernetes.io/service-account-token",
        },
    ],
}


def kubectl(api: Strongroom, *arguments: str, given: str = "") -> str:
    return subprocess.run(
        [require_part("kubectl"), "-n", "exported", *arguments],
        env=api.environment(),
        input=given,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture(scope="module")
def exported(api: Strongroom) -> Strongroom:
    """A server with a namespace of Secrets."""
    kubectl(api, "apply", "-f", "-", given=json.dumps(MADE))
    return api


def export(api: Strongroom, *arguments: str) -> Result:
    given = ["export", "--kubeconfig", str(api.kubeconfig), *arguments]
    return CliRunner().invoke(main, given)


@pytest.mark.needs("kubectl")
@pytest.mark.needs("sops")
def test_what_is_exported_comes_back_by_sops_and_kubectl(
    exported: Strongroom, tmp_path: Path
) -> None:
    identity, text = Identity.make()
    target = tmp_path / "secrets"
    done = export(
        exported, "-n", "exported", "--recipient", str(identity.recipient), "--output", str(target)
    )
    assert done.exit_code == 0, done.output
    assert "left out: 1 tokens of service accounts (exported/token, …)" in done.stderr
    files = sorted(target.iterdir())
    assert [file.name for file in files] == ["exported.db.one.yaml", "exported.other.yaml"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    decrypted = subprocess.run(
        [require_part("sops"), "decrypt", files[0]],
        env={"PATH": os.environ["PATH"], "SOPS_AGE_KEY": text},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    before = json.loads(kubectl(exported, "get", "secret", "db.one", "-o", "json"))
    kubectl(exported, "delete", "secret", "db.one")
    kubectl(exported, "create", "-f", "-", given=decrypted)
    after = json.loads(kubectl(exported, "get", "secret", "db.one", "-o", "json"))
    for part in ("data", "type", "immutable"):
        assert after[part] == before[part]
    assert after["metadata"]["labels"] == {"app": "shop"}
    assert after["metadata"]["annotations"] == {"a": "on"}
    again = export(
        exported, "-n", "exported", "--recipient", str(identity.recipient), "--output", str(target)
    )
    assert "is there and holds something" in again.stderr


@pytest.mark.needs("kubectl")
def test_plain_and_sealed_ones_hold_what_the_secret_is_and_nothing_of_the_server(
    exported: Strongroom, tmp_path: Path
) -> None:
    plain = export(exported, "db.one", "-n", "exported", PLAIN, "--output", "-")
    assert plain.exit_code == 0, plain.output
    made = MADE["items"][2]
    wanted = made | {"metadata": made["metadata"] | {"namespace": "exported"}}
    assert yaml_text.load(plain.stdout.encode())[0] == wanted
    pem = tmp_path / "controller.pem"
    pem.write_bytes(certificate(KEY, 10_000))
    sealed = export(
        exported, "db.one", "-n", "exported", "--sealed-cert", str(pem), "--output", "-"
    ).stdout
    assert "aHVudGVyMg" not in sealed
    assert yaml_text.load(sealed.encode())[0]["spec"]["encryptedData"].keys() == DATA.keys()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--output", "-"], 2, "say for whom"),
        (["--output", "-", PLAIN, "--recipient", "age1x"], 2, "say for whom"),
        (["--output", "-", "--recipient", "age1x"], 1, "--recipient: "),
        (["a", "-A", PLAIN, "--output", "-"], 2, "but not both"),
        (["--scope", "strict", PLAIN, "--output", "-"], 2, "--scope goes with"),
        (["-n", "none", PLAIN, "--output", "-"], 1, "there is no Secret to export"),
        (["token", "-n", "exported", PLAIN, "--output", "-"], 1, "it stays here"),
        (["--sealed-cert", __file__, "--output", "-"], 1, "not a certificate in PEM"),
    ],
)
def test_what_cannot_be_exported(
    exported: Strongroom, arguments: list[str], code: int, said: str
) -> None:
    done = export(exported, *arguments)
    assert (done.exit_code, said in done.stderr) == (code, True), done.output
