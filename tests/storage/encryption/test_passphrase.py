"""Key files under a passphrase: what they hold, who opens them, and how they change."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from strongroom.storage.encryption.keyring import KeyRing
from strongroom.storage.encryption.passphrase import PassphraseSeal, Work
from strongroom.storage.encryption.port import (
    KeyFileDamaged,
    KeyFileSealed,
    KeyServiceError,
    PassphraseWrong,
)

LITTLE = Work(memory=64, iterations=1, lanes=1)
PHRASE = b"correct horse battery staple"


def under(passphrase: bytes) -> PassphraseSeal:
    """A seal that takes no time to make."""
    return PassphraseSeal(lambda: passphrase, LITTLE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sealed.key"


def test_what_the_file_holds(path: Path) -> None:
    """The default costs what RFC 9106 recommends second; whoever knows the form can open it."""
    made = KeyRing.create(path, PassphraseSeal(lambda: PHRASE))
    first, kdf, salt, sealed = path.read_text().splitlines()
    assert first == "strongroom sealed keys, version 1"
    assert kdf == "kdf: argon2id memory=65536 iterations=3 lanes=4"
    raw_salt, data = (base64.b64decode(line.split()[1]) for line in (salt, sealed))
    kdf_of_rfc = Argon2id(salt=raw_salt, length=32, iterations=3, lanes=4, memory_cost=65536)
    key = kdf_of_rfc.derive(PHRASE)
    head = f"{first}\n{kdf}\n{salt}\n".encode()
    text = AESGCM(key).decrypt(data[:12], data[12:], head).decode()
    assert text.splitlines()[:2] == [
        "strongroom key-encryption key, version 1",
        f"id: {made.status()}",
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_passphrase_opens_what_it_sealed(path: Path) -> None:
    made = KeyRing.create(path, under(PHRASE))
    assert made.status().encode() not in path.read_bytes()
    opened = KeyRing.load(path, under(PHRASE))
    assert opened.decrypt(made.encrypt(b"seed")) == b"seed"


def test_another_passphrase_opens_nothing_and_harms_nothing(path: Path) -> None:
    KeyRing.create(path, under(PHRASE))
    before = path.read_bytes()
    with pytest.raises(PassphraseWrong, match="does not open the key file") as caught:
        KeyRing.load(path, under(b"another passphrase"))
    assert "another passphrase" not in str(caught.value)
    assert path.read_bytes() == before


def test_what_was_refused_is_not_worked_at_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    KeyRing.create(path, under(PHRASE))
    seal = under(b"another passphrase")
    for _ in range(2):
        with pytest.raises(PassphraseWrong):
            seal.opened(path, path.read_bytes())
        monkeypatch.setattr("strongroom.storage.encryption.passphrase.Argon2id", None)


def test_keys_come_and_go_under_the_seal(path: Path) -> None:
    ring = KeyRing.create(path, under(PHRASE))
    other = KeyRing.load(path, under(PHRASE))
    old = ring.status()
    wrapped = ring.encrypt(b"seed")
    new = ring.rotate()
    # Another process learns of the key when it meets it.
    assert other.decrypt(ring.encrypt(b"later")) == b"later"
    assert KeyRing.load(path, under(PHRASE)).ids == (new, old)
    assert other.ids == (new, old)
    assert ring.decrypt(wrapped) == b"seed"
    ring.prune([old])
    assert KeyRing.load(path, under(PHRASE)).ids == (new,)


def test_a_passphrase_is_exchanged(path: Path) -> None:
    ring = KeyRing.create(path, under(PHRASE))
    now = [PHRASE]
    running = KeyRing.load(path, PassphraseSeal(lambda: now[0]))
    ring.reseal(under(b"the next one"))
    with pytest.raises(PassphraseWrong):
        KeyRing.load(path, under(PHRASE))
    assert KeyRing.load(path, under(b"the next one")).ids == ring.ids
    # One that runs keeps what it has until it is told, and then goes on.
    with pytest.raises(PassphraseWrong):
        running.reload()
    assert running.ids == ring.ids
    now[0] = b"the next one"
    running.reload()
    ring.rotate()
    running.reload()
    assert running.ids == ring.ids


def test_keys_in_the_clear_are_sealed(path: Path) -> None:
    plain = KeyRing.create(path)
    plain.reseal(under(PHRASE))
    assert KeyRing.load(path, under(PHRASE)).ids == plain.ids
    with pytest.raises(KeyFileSealed, match=r"name it as passphrase:/.*sealed\.key"):
        KeyRing.load(path)


def test_a_file_in_the_clear_is_not_taken_for_a_sealed_one(path: Path) -> None:
    KeyRing.create(path)
    with pytest.raises(KeyFileSealed, match="is not sealed"):
        KeyRing.load(path, under(PHRASE))


def test_a_short_passphrase_seals_nothing(path: Path) -> None:
    with pytest.raises(KeyServiceError, match="at least 8 bytes"):
        KeyRing.create(path, under(b"1234567"))
    assert not path.exists()


CHANGES: dict[str, Callable[[list[str]], list[str]]] = {
    "cut": lambda lines: lines[:3],
    "longer": lambda lines: [*lines, "more"],
    "another kdf": lambda lines: [lines[0], "kdf: pbkdf2", *lines[2:]],
    "no memory": lambda lines: [lines[0], lines[1].replace("64", "0"), *lines[2:]],
    "all memory": lambda lines: [lines[0], lines[1].replace("64", "9999999"), *lines[2:]],
    "no salt": lambda lines: [*lines[:2], "salt: AAAA", lines[3]],
    "no base64": lambda lines: [*lines[:3], lines[3] + "*"],
    "nothing sealed": lambda lines: [*lines[:3], "sealed: "],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_damage_is_told(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    KeyRing.create(path, under(PHRASE))
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    with pytest.raises(KeyFileDamaged, match="restore it from its backup"):
        KeyRing.load(path, under(PHRASE))


@pytest.mark.parametrize("line", [1, 2, 3])
def test_changes_of_whatever_is_authenticated_are_found(path: Path, line: int) -> None:
    KeyRing.create(path, under(PHRASE))
    lines = path.read_text().splitlines()
    name, _, text = lines[line].partition(": ")
    changed = text.replace("iterations=1", "iterations=2") if line == 1 else _other_bit(text)
    lines[line] = f"{name}: {changed}"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(PassphraseWrong):
        KeyRing.load(path, under(PHRASE))


def _other_bit(text: str) -> str:
    raw = base64.b64decode(text)
    return base64.b64encode(bytes([raw[0] ^ 1]) + raw[1:]).decode()


def test_nothing_shows_the_passphrase() -> None:
    assert "horse" not in repr(under(PHRASE))
