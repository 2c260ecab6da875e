"""`strongroom keys status` of another cluster's store: a real etcd, and snapshots of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from strongroom.cli.main import main
from strongroom.storage.encryption.aes import AESCBCTransformer
from strongroom.storage.encryption.stored import prefix_of
from strongroom.storage.etcd import EtcdStore
from tests.etcd import Etcd
from tests.parts import require_part
from tests.storage.drivers import local_kms


def stored(key: str, value: bytes, scheme: str = "") -> bytes:
    context = key.encode()
    if scheme == "kms":
        return local_kms().to_storage(value, context=context)
    if scheme == "aescbc":
        cipher = AESCBCTransformer(bytes(32))
        return prefix_of("aescbc", "key1") + cipher.to_storage(value, context=context)
    return value


OBJECTS = {
    "/registry/secrets/shop/kms": "kms",
    "/registry/secrets/shop/old": "",
    "/registry/secrets/shop/aes": "aescbc",
    "/registry/secrets/web/plain": "",
    "/registry/configmaps/web/settings": "",
    "/registry/example.com/vaults/web/v1": "aescbc",
    "/kubernetes.io/secrets/web/other": "",
}


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    """A cluster's store; one of the Secrets was stored anew, encrypted, after the others."""
    member = Etcd(tmp_path_factory.mktemp("foreign") / "data", "--unsafe-no-fsync")
    member.start()
    try:
        asyncio.run(fill(member.url))
        yield member
    finally:
        member.kill()


async def fill(url: str) -> None:
    store = await EtcdStore.open([url])
    try:
        for key, scheme in OBJECTS.items():
            revision = await store.create(key, stored(key, b'{"data":{"a":"czNjcjN0"}}', scheme))
            if key.endswith("/old"):
                await store.update(key, stored(key, b"k8s\0", "kms"), expected=revision)
    finally:
        await store.close()


@pytest.fixture(scope="module")
def snapshot(etcd: Etcd, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("snapshot") / "snapshot.db"
    etcdctl(etcd, "snapshot", "save", str(file))
    return file


def etcdctl(etcd: Etcd, *arguments: str) -> str:
    command = [str(require_part("etcdctl")), "--endpoints", etcd.url, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def status(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["keys", "status", *arguments])
    assert "czNjcjN0" not in result.output
    return result


def table(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines()]


def test_a_snapshot_tells_how_its_secrets_are_stored(snapshot: Path) -> None:
    found = status("--snapshot", str(snapshot))
    assert found.exit_code == 0, found.output
    head, *rows = table(found)
    assert head == ["RESOURCE", "PROVIDER", "KEY", "OBJECTS", "HISTORY"]
    # The one that was stored anew is in the clear still, in the history.
    assert rows[0] == ["secrets", "IN", "THE", "CLEAR", "1", "2"]
    assert rows[1] == ["secrets", "aescbc", "key1", "1", "1"]
    assert rows[2][:4] == ["secrets", "kms", "v2", "local"]
    assert rows[2][4].startswith("local:")
    assert rows[2][5:] == ["2", "2"]
    assert len(rows) == 3


def test_an_etcd_tells_the_same_and_stays_as_it_is(etcd: Etcd) -> None:
    before = facts(etcd)
    found = status("--etcd-servers", etcd.url, "--resources", "secrets,vaults.example.com")
    assert found.exit_code == 0, found.output
    head, *rows = table(found)
    assert head == ["RESOURCE", "PROVIDER", "KEY", "OBJECTS"]
    assert rows[0] == ["secrets", "IN", "THE", "CLEAR", "1"]
    assert ["example.com/vaults", "aescbc", "key1", "1"] in rows
    assert facts(etcd) == before


def facts(etcd: Etcd) -> tuple[object, ...]:
    """Revision and hash of all that an etcd has, and how far its log is."""
    (hashed,) = json.loads(etcdctl(etcd, "endpoint", "hashkv", "-w", "json"))
    (told,) = json.loads(etcdctl(etcd, "endpoint", "status", "-w", "json"))
    assert hashed["HashKV"]["hash"]
    return hashed["HashKV"]["hash"], told["Status"]["header"]["revision"]


def test_names_and_facts(snapshot: Path, etcd: Etcd) -> None:
    named = table(status("--snapshot", str(snapshot), "--objects", "--resources", "all"))
    assert named[0] == ["RESOURCE", "NAMESPACE", "NAME", "PROVIDER", "KEY"]
    assert named[1] == ["secrets", "web", "plain", "IN", "THE", "CLEAR"]
    assert named[2] == ["configmaps", "web", "settings", "IN", "THE", "CLEAR"]
    assert len(named) == 7
    told = json.loads(status("--etcd-servers", etcd.url, "-o", "json").stdout)
    first = told["stored"][0]
    assert first == {
        "resource": "secrets",
        "encrypted": False,
        "scheme": "identity",
        "name": "",
        "keyID": "",
        "count": 1,
        "objects": ["web/plain"],
    }
    assert (told["revision"], told["source"]) == (len(OBJECTS) + 2, etcd.url)


def test_a_check_fails_for_what_is_in_the_clear(snapshot: Path) -> None:
    at = ("--snapshot", str(snapshot), "--check")
    assert status(*at, "--prefix", "kubernetes.io").exit_code == 3
    assert status(*at, "--resources", "vaults.example.com").exit_code == 0


def test_what_cannot_be_read_is_told(tmp_path: Path, snapshot: Path) -> None:
    nothing = status("--snapshot", str(snapshot), "--prefix", "/k3s")
    assert nothing.exit_code == 1
    assert "nothing is stored below /k3s (see --prefix)" in nothing.stderr
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(snapshot.read_bytes()[:-600])
    refused = status("--snapshot", str(damaged))
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"error: {damaged}: ")
    assert "cut short" in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--snapshot", "f", "--etcd-servers", "https://127.0.0.1:1"),
        ("--snapshot", "f", "--etcd-cafile", "ca.crt"),
        ("--etcd-servers", "https://127.0.0.1:1", "--etcd-certfile", "c.crt"),
        ("--objects",),
        ("--resources", "secrets"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert status(*arguments).exit_code == 2
