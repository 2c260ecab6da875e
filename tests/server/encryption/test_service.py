"""Encryption while a server runs: providers by kind, plugins that fail, files that change."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from strongroom.server.encryption.asking import ASK_AGAIN
from strongroom.server.encryption.service import Encryption
from strongroom.server.reloading import BadFile
from strongroom.storage.encryption import wire
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.localkey import LocalKey
from strongroom.storage.encryption.plugin import V2
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError
from strongroom.storage.encryption.stored import look
from tests.server.encryption.test_configuration import CBC, KEY32, document, entry, keys, kms
from tests.storage.encryption.plugins import Answer, plugin_that
from tests.waiting import until

SECRET = b"/registry/secrets/default/db"
PLACES = {
    "secrets": SECRET,
    "endpoints": b"/registry/services/endpoints/default/web",
    "services": b"/registry/services/specs/default/web",
    "deployments.apps": b"/registry/deployments/default/web",
    "widgets.example.com": b"/registry/example.com/widgets/default/w",
    "nodes": b"/registry/minions/n1",
    "events": b"/registry/events/default/e",
    "own": b"/strongroom/audit/hmac-key",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "encryption.yaml"


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def how(encryption: Encryption, where: bytes) -> str:
    return str(look(encryption.values.to_storage(b"{}", context=where)))


def test_each_kind_has_its_providers(path: Path) -> None:
    rules = [
        entry("secrets", CBC),
        entry("endpoints", "{identity: {}}"),
        entry("'*.apps'", keys("aesgcm", ("apps", KEY32))),
        entry("widgets.example.com", keys("secretbox", ("box", KEY32))),
        entry("'*.'", keys("aesgcm", ("core", KEY32))),
    ]
    put(path, document(f"[{', '.join(rules)}]"))
    encryption = Encryption(path)
    assert {name: how(encryption, where) for name, where in PLACES.items()} == {
        "secrets": "aescbc key 'key1'",
        "endpoints": "not encrypted",
        "services": "aesgcm key 'core'",
        "deployments.apps": "aesgcm key 'apps'",
        "widgets.example.com": "secretbox key 'box'",
        "nodes": "aesgcm key 'core'",
        "events": "aesgcm key 'core'",
        "own": "aescbc key 'key1'",
    }


def test_what_was_there_before_is_read_and_stale(path: Path) -> None:
    key = LocalKey(b"k" * 32)
    before = KMSTransformer("strongroom", key)
    stored = before.prefix + before.to_storage(b"{}", context=SECRET)
    put(path, document(f"[{entry('secrets', CBC)}]"))
    with_key = Encryption(path, [(before.prefix, before)])
    plain = with_key.values.from_storage(stored, context=SECRET)
    assert (plain.value, plain.stale) == (b"{}", True)
    with pytest.raises(DecryptionFailed, match="kms v2 provider 'strongroom', key 'local:"):
        Encryption(path).values.from_storage(stored, context=SECRET)
    # What is stored in the clear is read only where the file says so.
    with pytest.raises(DecryptionFailed, match="stored with not encrypted"):
        with_key.values.from_storage(b"{}", context=SECRET)
    pods = b"/registry/pods/default/p"
    assert with_key.values.from_storage(b"{}", context=pods).value == b"{}"


@contextlib.asynccontextmanager
async def begun(encryption: Encryption) -> AsyncIterator[CollectorRegistry]:
    metrics = CollectorRegistry()
    async with contextlib.AsyncExitStack() as stack:
        encryption.begin(metrics, stack)
        yield metrics


def plugin_answers(key_id: str = "key-1") -> dict[str, Answer]:
    status = b"".join(wire.field(n, t) for n, t in enumerate((b"v2", b"ok", key_id.encode()), 1))
    return {
        f"{V2}Status": lambda _: status,
        f"{V2}Encrypt": lambda question: (
            wire.field(1, wire.read(question).data(1)[::-1]) + wire.field(2, key_id.encode())
        ),
        f"{V2}Decrypt": lambda question: wire.field(1, wire.read(question).data(1)[::-1]),
    }


async def test_plugins_are_followed(path: Path, tmp_path: Path) -> None:
    now, socket = [0.0], tmp_path / "kms.sock"
    provider = kms(endpoint=f"'unix://{socket}'", timeout="20s")
    put(path, document(f"[{entry('secrets', provider)}]"))
    answers = plugin_answers()
    with plugin_that(answers, socket):
        encryption = Encryption(path, monotonic=lambda: now[0])
        encryption.prime()
        assert how(encryption, SECRET) == "kms v2 provider 'vault', key 'key-1'"
        await encryption.check()
        answers |= plugin_answers("key-2")
        await encryption.turn()
        assert "key-1" in how(encryption, SECRET)
        now[0] += ASK_AGAIN
        await encryption.turn()
        assert "key-2" in how(encryption, SECRET)
        answers[f"{V2}Status"] = lambda _: b"\xff"
        now[0] += ASK_AGAIN
        await encryption.turn()
        with pytest.raises(KeyServiceError, match="not well: vault"):
            await encryption.check()
        # It goes on with the key that it has, for a while.
        assert "key-2" in how(encryption, SECRET)
        answers |= plugin_answers("key-2")
        now[0] += 10
        await encryption.turn()
        await encryption.check()


def test_without_its_plugin_nothing_starts(path: Path, tmp_path: Path) -> None:
    provider = kms(endpoint=f"'unix://{tmp_path}/none.sock'", timeout="100ms")
    put(path, document(f"[{entry('secrets', provider)}]"))
    with pytest.raises(KeyServiceError, match="KMS provider 'vault' cannot be used: the KMS plug"):
        Encryption(path).prime()


def test_a_file_that_cannot_be_used_is_an_error(path: Path) -> None:
    with pytest.raises(BadFile, match=r"encryption\.yaml: No such file"):
        Encryption(path)
    put(path, document("[]"))
    with pytest.raises(BadFile, match=r"encryption\.yaml: resources: Required value"):
        Encryption(path)


async def reloaded(count: Callable[[], float | None]) -> None:
    async def counted() -> float | None:
        return count()

    await until(counted)


async def test_a_changed_file_is_taken_into_use(path: Path) -> None:
    put(path, document(f"[{entry('secrets', CBC)}]"))
    encryption = Encryption(path)
    old = encryption.values.to_storage(b"v", context=SECRET)
    async with begun(encryption) as metrics:

        def count(status: str) -> float | None:
            name = "apiserver_encryption_config_controller_automatic_reloads_total"
            return metrics.get_sample_value(name, {"status": status})

        put(path, document(f"[{entry('secrets', keys('aesgcm', ('new', KEY32)), CBC)}]"))
        await reloaded(lambda: count("success"))
        assert how(encryption, SECRET) == "aesgcm key 'new'"
        plain = encryption.values.from_storage(old, context=SECRET)
        assert (plain.value, plain.stale) == (b"v", True)
        put(path, b"nonsense")
        await reloaded(lambda: count("failure"))
        assert how(encryption, SECRET) == "aesgcm key 'new'"
        assert b"automatic_reloads_total" in generate_latest(metrics)
