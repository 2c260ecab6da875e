"""KMS plugins over real gRPC: ours, foreign ones, and those that hang, lie or die."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.storage.encryption import wire
from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.kms_v1 import KMSv1Transformer
from strongroom.storage.encryption.localkey import LocalKey
from strongroom.storage.encryption.plugin import V1, V2, PluginV1, PluginV2, address
from strongroom.storage.encryption.plugin_server import KMSServer, SocketInUse
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError
from tests.storage.encryption.plugins import Answer, plugin_that

WHERE = b"/registry/secrets/default/db"
LONG = 20.0
"""Seconds that an answer may take on a busy machine."""


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "kms.sock"


@pytest.fixture
def plugin(socket: Path) -> Iterator[PluginV2]:
    server = KMSServer(LocalKey(b"k" * 32), socket)
    client = PluginV2(f"unix://{socket}", LONG)
    yield client
    client.close()
    server.stop(0)


def status(key_id: str = "key-1", health: str = "ok", version: str = "v2") -> bytes:
    texts = (version, health, key_id)
    return b"".join(wire.field(n, text.encode()) for n, text in enumerate(texts, 1))


# --- our own plugin -----------------------------------------------------------------------------


def test_our_plugin_does_what_the_key_does(plugin: PluginV2) -> None:
    key = LocalKey(b"k" * 32)
    assert plugin.status() == key.status()
    wrapped = plugin.encrypt(b"seed")
    assert key.decrypt(wrapped) == b"seed"
    assert plugin.decrypt(key.encrypt(b"other")) == b"other"


def test_our_plugin_refuses_what_it_did_not_encrypt(plugin: PluginV2) -> None:
    with pytest.raises(KeyServiceError, match="answers with INVALID_ARGUMENT"):
        plugin.decrypt(Wrapped(b"junk", "another key"))
    for plain in (b"", b"x" * 1025):
        with pytest.raises(KeyServiceError, match="INVALID_ARGUMENT"):
            plugin.encrypt(plain)


def test_only_the_owner_may_connect(plugin: PluginV2, socket: Path) -> None:
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert plugin.status()


def test_a_socket_is_taken_over_from_the_dead_only(plugin: PluginV2, socket: Path) -> None:
    with pytest.raises(SocketInUse, match="somebody serves at"):
        KMSServer(LocalKey(b"k" * 32), socket)
    assert plugin.status()
    file = socket.with_name("file")
    file.write_text("mine")
    with pytest.raises(SocketInUse, match="is no socket"):
        KMSServer(LocalKey(b"k" * 32), file)
    for nowhere in (socket.with_name("missing") / "kms.sock", socket.with_name("long" * 60)):
        with pytest.raises(OSError, match=r"missing|long") as refused:
            KMSServer(LocalKey(b"k" * 32), nowhere)
        assert refused.value.strerror
    left = socket.with_name("left.sock")
    os.mknod(left, stat.S_IFSOCK | 0o600)
    KMSServer(LocalKey(b"k" * 32), left).stop(0)


# --- a transformer with a plugin ----------------------------------------------------------------


def test_values_are_written_while_the_plugin_confirms_its_key(plugin: PluginV2) -> None:
    now = [0.0]
    kms = KMSTransformer("vault", plugin, lease=180.0, monotonic=lambda: now[0])
    with pytest.raises(KeyServiceError, match="has not told its key"):
        kms.to_storage(b"v", context=WHERE)
    kms.refresh()
    stored = kms.to_storage(b"v", context=WHERE)
    now[0] = 181.0
    with pytest.raises(KeyServiceError, match="'vault' has not told its key for more than 180 s"):
        kms.to_storage(b"v", context=WHERE)
    assert kms.from_storage(stored, context=WHERE).value == b"v"
    kms.refresh()
    assert kms.to_storage(b"v", context=WHERE)


def test_it_says_when_reading_would_ask(plugin: PluginV2) -> None:
    first, second = (KMSTransformer("vault", plugin, lease=180.0) for _ in range(2))
    first.refresh()
    second.refresh()
    stored = first.to_storage(b"v", context=WHERE)
    assert not first.asks_to_read(stored, context=WHERE)
    assert second.asks_to_read(stored, context=WHERE)
    assert second.from_storage(stored, context=WHERE).value == b"v"
    assert not second.asks_to_read(stored, context=WHERE)
    assert not first.quick


def test_a_plugin_that_comes_back_is_used_again(socket: Path) -> None:
    answers: dict[str, Answer] = {
        f"{V2}Status": lambda _: status(),
        f"{V2}Encrypt": lambda _: wire.field(1, b"wrapped") + wire.field(2, b"key-1"),
    }
    client = PluginV2(f"unix://{socket}", LONG)
    for _ in range(2):
        with plugin_that(answers, socket):
            assert client.status() == "key-1"
            assert client.encrypt(b"seed") == Wrapped(b"wrapped", "key-1")
    client.close()


# --- plugins that hang, lie or die --------------------------------------------------------------


def test_a_plugin_that_hangs_is_given_up(socket: Path) -> None:
    ended = threading.Event()

    def hang(_: bytes) -> bytes:
        ended.wait(LONG)
        return b""

    with plugin_that({f"{V2}Status": hang}, socket) as endpoint:
        try:
            with pytest.raises(KeyServiceError, match=r"has not answered within 0\.2 s"):
                PluginV2(endpoint, 0.2).status()
        finally:
            ended.set()


def test_a_plugin_that_is_not_there(socket: Path) -> None:
    with pytest.raises(KeyServiceError, match="has not answered within"):
        PluginV2(f"unix://{socket}", 0.1).status()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (status(health="the HSM is on fire"), "is not healthy: 'the HSM is on fire'"),
        (status(version="v3"), "speaks version 'v3', not v2"),
        (status(key_id=""), "does not name its key"),
        (b"\x0a\xff", "is cut short or damaged"),
        (b"\x0a\x01\xff", "has text that is not UTF-8"),
        (b"\x08\x01", "has a field of a wrong type"),
    ],
)
def test_a_status_that_cannot_be_used(socket: Path, answer: bytes, told: str) -> None:
    answers = {f"{V2}Status": lambda _: answer}
    with plugin_that(answers, socket) as at, pytest.raises(KeyServiceError, match=told):
        PluginV2(at, LONG).status()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (wire.field(1, b"w") + wire.field(2, b"key-2"), "says that its key is 'key-1' and encr"),
        (wire.field(2, b"key-1"), "the wrapped data key is empty"),
        (wire.field(1, b"w" * 1025) + wire.field(2, b"key-1"), "longer than 1 KiB"),
        (
            wire.field(1, b"w") + wire.field(2, b"key-1") + wire.map_field(3, {"nodot": b""}),
            "not a fully qualified domain name",
        ),
    ],
)
def test_a_plugin_that_lies_changes_nothing(socket: Path, answer: bytes, told: str) -> None:
    good = wire.field(1, b"wrapped") + wire.field(2, b"key-0")
    answers: dict[str, Answer] = {
        f"{V2}Status": lambda _: status("key-0"),
        f"{V2}Encrypt": lambda _: good,
    }
    with plugin_that(answers, socket) as endpoint:
        kms = KMSTransformer("vault", PluginV2(endpoint, LONG), lease=180.0)
        kms.refresh()
        stored = kms.to_storage(b"v", context=WHERE)
        answers |= {f"{V2}Status": lambda _: status("key-1"), f"{V2}Encrypt": lambda _: answer}
        with pytest.raises(KeyServiceError, match=told):
            kms.refresh()
        assert kms.key_id == "key-0"
        assert kms.from_storage(stored, context=WHERE).value == b"v"


def test_what_a_plugin_says_of_a_failure_is_not_told_on(socket: Path) -> None:
    def refuse(question: bytes) -> bytes:
        raise ValueError(f"cannot encrypt {question!r}")

    answers = {f"{V2}Encrypt": refuse}
    with plugin_that(answers, socket) as at, pytest.raises(KeyServiceError) as caught:
        PluginV2(at, LONG).encrypt(b"hunter2")
    assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert caught.value.__suppress_context__


# --- the first version --------------------------------------------------------------------------


def xor(data: bytes) -> bytes:
    return bytes(byte ^ 0x5A for byte in data)


V1_ANSWERS: dict[str, Answer] = {
    f"{V1}Version": lambda _: wire.field(1, b"v1beta1") + wire.field(2, b"test"),
    f"{V1}Encrypt": lambda question: wire.field(1, xor(wire.read(question).data(2))),
    f"{V1}Decrypt": lambda question: wire.field(1, xor(wire.read(question).data(2))),
}


def test_values_of_the_first_version(socket: Path) -> None:
    with plugin_that(V1_ANSWERS, socket) as endpoint:
        plugin = PluginV1(endpoint, LONG)
        plugin.check()
        kms = KMSv1Transformer("old", plugin)
        stored = kms.to_storage(b"value", context=WHERE)
        assert stored[:2] == b"\x00\x20"
        assert kms.asks_to_write(context=WHERE)
        assert not kms.asks_to_read(stored, context=WHERE)
        fresh = KMSv1Transformer("old", plugin, cache=-1)
        assert fresh.asks_to_read(stored, context=WHERE)
        assert fresh.from_storage(stored, context=WHERE).value == b"value"
        assert fresh.asks_to_read(stored, context=WHERE)
        with pytest.raises(DecryptionFailed):
            kms.from_storage(stored, context=WHERE + b"2")
        for cut in (b"", b"\x00", b"\x00\x20", stored[:20], b"\x00\x00" + stored):
            with pytest.raises(DecryptionFailed):
                kms.from_storage(cut, context=WHERE)


def test_another_version_is_refused(socket: Path) -> None:
    answers = V1_ANSWERS | {f"{V1}Version": lambda _: wire.field(1, b"v2")}
    told = "version v2 is not supported, only v1beta1"
    with plugin_that(answers, socket) as at, pytest.raises(KeyServiceError, match=told):
        PluginV1(at, LONG).encrypt(b"key")


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("unix:///var/run/kms.sock", "unix:/var/run/kms.sock"),
        ("unix:///@abstract", "unix-abstract:abstract"),
    ],
)
def test_endpoints(endpoint: str, expected: str) -> None:
    assert address(endpoint) == expected


def test_other_endpoints_are_refused() -> None:
    with pytest.raises(ValueError, match='unsupported scheme "tcp"'):
        address("tcp://localhost:1")
