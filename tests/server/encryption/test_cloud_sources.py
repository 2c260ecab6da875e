"""Keys in key services and tokens as settings name them, and a server whose key one of them has."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.server.encryption.cloud_sources import AwsSource, AzureSource, GcpSource
from strongroom.server.encryption.pkcs11_source import Pkcs11Source
from strongroom.server.encryption.sources import key_source
from strongroom.server.ground import StartError
from tests.server.conftest import SECRETS, running, secret
from tests.server.encryption.test_operations import ask, by_key, rewrapped
from tests.storage.encryption.azure_site import AzureSite
from tests.waiting import until


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureSite]:
    made = AzureSite(tmp_path)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    yield made
    made.stop()


async def test_a_server_whose_key_is_in_azure(
    azure: AzureSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.server.encryption.asking.ASK_AGAIN", 0.1)
    monkeypatch.setattr("strongroom.server.encryption.asking.ASK_SOON", 0.1)
    # The audit log's key would lie beside the key file, which there is none of.
    chain = ("--audit-log-chain-key-file", str(tmp_path / "chain.key"))
    arguments = ("--encryption-key", azure.uri, *chain)
    async with running(tmp_path, *arguments) as api:
        await api.ask("POST", SECRETS, secret("db", password="t0p"))
        (old,) = by_key(await ask(api, "Status"))
        assert old == f"azurekms:{azure.address}/keys/kek/{1:032x}"
        assert "az keyvault key rotate" in await ask(api, "Rotate", code=400)
        azure.rotate()

        async def writes() -> bool:
            keys = (await ask(api, "Status"))["keys"]
            return [key["keyID"][-1] for key in keys if key.get("writes")] == ["2"]

        await until(writes)
        await ask(api, "Rewrap")
        assert by_key(await rewrapped(api))[old] == 0
        azure.enabled = False

        async def unwell() -> bool:
            return (await api.ask("GET", "/readyz/kms-providers")).code != 200

        await until(unwell)
        assert (await api.ask("GET", f"{SECRETS}/db")).code == 200
    with pytest.raises(StartError, match="the key is disabled"):
        await running(tmp_path, *arguments).__aenter__()
    azure.enabled = True
    async with running(tmp_path, *arguments) as api:
        found = await api.ask("GET", f"{SECRETS}/db")
        assert found.json["data"] == {"password": "dDBw"}


ARN = "arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
GCP = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k"
MODULE = "module-path=/usr/lib/p.so"


def fields(source: Any) -> dict[str, Any]:
    return {name: getattr(source.key, name) for name in source.key.__dataclass_fields__}


RIGHT: dict[str, tuple[type, dict[str, Any]]] = {
    f"awskms:///{ARN}": (AwsSource, {"key": ARN, "region": "us-east-2", "endpoint": ""}),
    "awskms://127.0.0.1:4566/alias/room?region=eu-west-1": (
        AwsSource,
        {"key": "alias/room", "endpoint": "https://127.0.0.1:4566", "region": "eu-west-1"},
    ),
    f"awskms:///1234-ab?endpoint=http://localhost:1&before={ARN}&timeout=3s&profile=p": (
        AwsSource,
        {"endpoint": "http://localhost:1", "before": (ARN,), "timeout": 3.0, "profile": "p"},
    ),
    f"gcpkms://{GCP}": (GcpSource, {"name": GCP, "endpoint": "", "timeout": 10.0}),
    "azurekms://My.vault.azure.net/keys/kek": (
        AzureSource,
        {"vault": "my.vault.azure.net", "name": "kek", "version": "", "algorithm": "RSA-OAEP-256"},
    ),
    "azurekms://m.managedhsm.azure.net/keys/k/0a?algorithm=A256KW": (
        AzureSource,
        {"version": "0a", "algorithm": "A256KW", "discovery": True},
    ),
    f"pkcs11:token=The%20room;object=kek;type=secret-key?{MODULE}&pin-source=file:/etc/pin": (
        Pkcs11Source,
        {"token": "The room", "label": "kek", "id": b"", "pin_file": Path("/etc/pin")},
    ),
    f"pkcs11:serial=0123;id=%01%ff?{MODULE}": (
        Pkcs11Source,
        {"serial": b"0123", "id": b"\x01\xff", "module": Path("/usr/lib/p.so"), "pin_file": None},
    ),
}


@pytest.mark.parametrize("uri", RIGHT)
def test_what_uris_say(uri: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = key_source(uri)
    kind, values = RIGHT[uri]
    assert isinstance(found, kind)
    assert fields(found).items() >= values.items()
    assert str(found).startswith(uri.partition(":")[0] + ":")
    assert str(found) == found.facts["source"]


WRONG = {
    "awskms:key": "a key of AWS is named by",
    "awskms:///": "a key of AWS is named by",
    "awskms:///KEY WITH SPACES": "a key of AWS is named by",
    "awskms:///k?endpoint=http://kms.example": "http on loopback only",
    "awskms://h/k?endpoint=https://h": "the endpoint stands once",
    "awskms:///k?before=k": "before is a list of ARNs",
    "awskms:///k?secret=hunter2": "there is no setting 'secret' of AWS KMS",
    f"gcpkms://{GCP}/cryptoKeyVersions/1": "by its whole name, without a version",
    f"gcpkms://{GCP}?endpoint=http://10.0.0.1": "http on loopback only",
    "azurekms://v.vault.azure.net/k": "by HOST/keys/NAME",
    "azurekms://v.vault.azure.net/keys/k/-": "versions of keys are letters and digits",
    "azurekms://v.vault.azure.net/keys/k?algorithm=RSA1_5": "algorithm is RSA-OAEP-256 or A256KW",
    "azurekms://v.vault.azure.net/keys/k?timeout=soon": "timeout: expected a duration",
    f"pkcs11:token=t;object=o?{MODULE}&pin-value=hunter2": "a PIN is never in a URI",
    f"pkcs11:token=t;object=o?{MODULE}&pin-source=|hunter2": "pin-source is file:FILE",
    f"pkcs11:token=t?{MODULE}": "say which key is meant",
    "pkcs11:token=t;object=o": "module-path is the maker's library",
    f"pkcs11:token=t;object=o;type=private?{MODULE}": "the key is a secret-key",
    f"pkcs11:token=t;object=o;manufacturer=m?{MODULE}": "there is no attribute 'manufacturer'",
    f"pkcs11:token=t;token=u;object=o?{MODULE}": "each attribute stands once",
}


@pytest.mark.parametrize("uri", WRONG)
def test_uris_that_are_wrong(uri: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        key_source(uri)
    assert WRONG[uri] in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_files_that_pods_must_not_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    for name in ("key.json", ".aws/credentials", "pin"):
        (tmp_path / name).touch()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    for uri, names in (
        ("awskms:///k", [".aws/credentials"]),
        (f"gcpkms://{GCP}", ["key.json"]),
        (f"pkcs11:token=t;object=o?{MODULE}&pin-source={tmp_path}/pin", ["pin"]),
    ):
        assert key_source(uri).files == tuple(tmp_path / name for name in names)


@pytest.mark.parametrize("uri", [uri for uri in RIGHT if "127.0.0.1" not in uri])
def test_what_is_advised(uri: str) -> None:
    source: Any = key_source(uri)
    assert "strongroom keys rewrap" in source.advice
