"""The process that reads another cluster's store, within this one."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from strongroom.server.foreign.__main__ import lines, main
from strongroom.server.foreign.keys import area
from strongroom.server.foreign.opening import Opener
from strongroom.server.foreign.sources import Etcd, SnapshotFile, Source
from strongroom.snapshot.lines import CannotRead, End, Line, Past, Stored, decode, encode
from strongroom.storage.encryption import wire
from strongroom.storage.encryption.aes import AESGCMTransformer
from strongroom.storage.encryption.plugin import V1
from strongroom.storage.encryption.stored import look, prefix_of
from strongroom.storage.etcd import EtcdStore
from strongroom.storage.etcd_cluster import Credentials
from tests.etcd import shared_etcd
from tests.snapshot.files import Put, database, summed
from tests.storage.encryption.plugins import plugin_that

KEY = "/registry/secrets/shop/db"
AES_GCM = prefix_of("aesgcm", "key1") + AESGCMTransformer(bytes(32)).to_storage(
    b"opened", context=KEY.encode()
)


def snapshot(directory: Path, *puts: Put) -> SnapshotFile:
    file = directory / "snapshot.db"
    file.write_bytes(summed(database(puts)))
    return SnapshotFile(file)


async def told(
    source: Source,
    opener: Opener | None = None,
    prefix: str = "/registry",
    names: Sequence[str] = (),
) -> list[Line]:
    async with aclosing(lines(source, area(prefix, names), opener)) as found:
        return [line async for line in found]


def configuration(directory: Path, provider: object) -> Path:
    file = directory / "encryption.yaml"
    rule = {"resources": ["secrets"], "providers": [provider]}
    tree = {"kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1"}
    file.write_text(json.dumps({**tree, "resources": [rule]}))
    return file


def test_keys_below_a_prefix() -> None:
    assert area("registry/", ()).below == b"/registry/"
    assert area("/", ()).below == b"/"
    where = area("/kubernetes.io", ["secrets", "services/specs", "secrets"])
    assert where.starts() == [b"/kubernetes.io/secrets/", b"/kubernetes.io/services/specs/"]
    assert where.parts(b"/kubernetes.io/secrets/ns/a") == ("secrets", "ns/a")
    assert where.parts(b"/kubernetes.io/example.com/widgets/ns/a") == (
        "example.com/widgets",
        "ns/a",
    )
    assert where.parts(b"/kubernetes.io/minions/n1") == ("minions", "n1")
    assert where.parts(b"/kubernetes.io/secrets/ns/\xff") == ("secrets", "ns/\\xff")


async def test_how_everything_is_stored(tmp_path: Path) -> None:
    puts = (Put(KEY, b"{}", 2), Put(KEY, AES_GCM, 3), Put("/registry/pods/a/b", b"k8s\0", 4))
    found = await told(snapshot(tmp_path, *puts))
    assert found[:2] == [
        Stored("pods", "a/b", "identity"),
        Stored("secrets", "shop/db", "aesgcm", "key1"),
    ]
    assert sorted(map(repr, found[2:5])) == sorted(
        repr(Past(*past))
        for past in [
            ("secrets", "identity", "", "", 1),
            ("secrets", "aesgcm", "key1", "", 1),
            ("pods", "identity", "", "", 1),
        ]
    )
    assert found[5:] == [End(4, 2, 2)]


async def test_values_come_in_the_order_of_the_sections(tmp_path: Path) -> None:
    source = snapshot(tmp_path, Put("/k/secrets/a/b", b"1", 2), Put("/k/namespaces/a", b"2", 3))
    source = SnapshotFile(source.path, history=False)
    found = await told(source, Opener(None), "/k", ["secrets", "namespaces"])
    assert found == [
        Stored("secrets", "a/b", "identity", value=b"1"),
        Stored("namespaces", "a", "identity", value=b"2"),
        End(3, 2, 2),
    ]


async def test_the_key_in_etcd_is_what_a_value_is_bound_to(tmp_path: Path) -> None:
    """Under another prefix as well: kube-apiserver binds values to the whole key."""
    key = "/k/secrets/shop/db"
    sealed = prefix_of("aesgcm", "key1") + AESGCMTransformer(bytes(32)).to_storage(
        b"opened", context=key.encode()
    )
    secret = base64.b64encode(bytes(32)).decode()
    provider = {"aesgcm": {"keys": [{"name": "key1", "secret": secret}]}}
    source = snapshot(tmp_path, Put(key, sealed, 2), Put("/k/secrets/shop/moved", sealed, 3))
    good, moved, *_ = await told(source, Opener(configuration(tmp_path, provider)), "/k")
    assert good == Stored("secrets", "shop/db", "aesgcm", "key1", value=b"opened")
    assert isinstance(moved, Stored)
    assert moved.value is None
    assert "another key of the database" in moved.problem


async def test_a_plugin_that_does_not_answer_is_asked_once(tmp_path: Path) -> None:
    asked: list[bytes] = []

    def fail(question: bytes) -> bytes:
        asked.append(question)
        raise ValueError

    answers = {f"{V1}Version": lambda _: wire.field(1, b"v1beta1"), f"{V1}Decrypt": fail}
    stored = prefix_of("kms v1", "vault") + b"\0\x01k" + bytes(40)
    with plugin_that(answers, tmp_path / "s") as endpoint:
        kms = {"kms": {"apiVersion": "v1", "name": "vault", "endpoint": endpoint}}
        opener = Opener(configuration(tmp_path, kms))
        try:
            for _ in range(3):
                value, why = await asyncio.to_thread(
                    opener.open, "secrets", KEY.encode(), stored, look(stored)
                )
                assert value is None
                assert "the KMS plugin at" in why
        finally:
            opener.close()
    assert len(asked) == 1


async def test_an_etcd_page_by_page() -> None:
    store = await EtcdStore.open([shared_etcd().url])
    names = [f"/foreign-pages/secrets/a/s{number:03}" for number in range(300)]
    try:
        await asyncio.gather(*(store.create(name, b"v") for name in names))
        found = await told(
            Etcd([shared_etcd().url], Credentials()), Opener(None), "/foreign-pages", ["secrets"]
        )
    finally:
        await store.close()
    *objects, end = found
    assert [one.rest for one in objects if isinstance(one, Stored)] == [n[-6:] for n in names]
    assert isinstance(end, End)
    assert (end.objects, end.below) == (300, 300)


async def test_an_etcd_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strongroom.server.foreign.sources._WITHIN", 0.1)
    with pytest.raises(CannotRead, match="no member of etcd can be reached"):
        await told(Etcd(["http://127.0.0.1:1"], Credentials()))
    with pytest.raises(CannotRead, match=r"\(do --etcd-cafile.* fit\?\)"):
        await told(Etcd(["https://127.0.0.1:1"], Credentials()))


def test_a_configuration_that_is_wrong_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match=r"encryption\.yaml: "):
        Opener(configuration(tmp_path, {}))


def test_the_last_line_says_what_went_wrong(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "strongroom.server.foreign",
        "--snapshot",
        str(tmp_path / "no"),
    ]
    done = subprocess.run(command, capture_output=True)
    assert done.returncode == 1
    with pytest.raises(CannotRead, match="no: No such file or directory"):
        list(decode(done.stdout.splitlines()))


def test_values_are_not_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("strongroom.server.foreign.__main__.harden", lambda: None)
    assert main(["--snapshot", "f", "--values"]) == 2


def test_lines_that_end_early_are_noticed() -> None:
    one = Stored("secrets", "a/b", "identity", value=b"hunter2")
    assert "hunter2" not in repr(one)
    whole = [encode(one), encode(End(1, 1, 1))]
    assert list(decode(whole)) == [one, End(1, 1, 1)]
    for cut, told in ((whole[:1], "ended early"), ([], "ended early"), ([b"{"], "something else")):
        with pytest.raises(CannotRead, match=told):
            list(decode(cut))
