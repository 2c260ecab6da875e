"""A key in a token of SoftHSM: used, exchanged, unplugged, and behind a wrong PIN."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from strongroom.server.encryption.sources import key_source
from strongroom.storage.encryption.keyservice import KeyService, Wrapped
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError
from tests.storage.encryption.softhsm import SoftHsm, fresh_module, with_key

pytestmark = pytest.mark.needs("softhsm2-util")

WHERE = b"/registry/secrets/default/db"
SEED = b"a seed of a data key, 32 bytes.."


@pytest.fixture
def hsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    yield from with_key(tmp_path, monkeypatch)


def opened(uri: str) -> KeyService:
    return key_source(uri).open()


def test_seeds_go_into_the_token_and_back(hsm: SoftHsm) -> None:
    token = opened(hsm.uri("kek"))
    wrapped = token.encrypt(SEED)
    assert wrapped.key_id == token.status()
    assert wrapped.key_id.startswith("pkcs11:kek:01:")
    assert token.decrypt(wrapped) == SEED
    assert token.encrypt(SEED).ciphertext != wrapped.ciphertext
    assert opened(hsm.uri("kek", ";id=%01")).decrypt(wrapped) == SEED
    assert not token.quick


def test_what_was_not_encrypted_by_the_token(hsm: SoftHsm) -> None:
    token = opened(hsm.uri("kek"))
    wrapped = token.encrypt(SEED)
    damaged = wrapped.ciphertext[:-1] + bytes([wrapped.ciphertext[-1] ^ 1])
    with pytest.raises(DecryptionFailed, match=r"does not decrypt what was encrypted.*damaged"):
        token.decrypt(replace(wrapped, ciphertext=damaged))
    for other in ("local:1234", "pkcs11:kek:01:000000", "pkcs11:gone:01:abcdef"):
        with pytest.raises(DecryptionFailed, match=f"encrypted with key '{other}'"):
            token.decrypt(replace(wrapped, key_id=other))
    with pytest.raises(DecryptionFailed, match="unknown form"):
        token.decrypt(Wrapped(b"junk", wrapped.key_id))
    assert token.decrypt(wrapped) == SEED


def test_another_key_of_the_token_takes_over(hsm: SoftHsm) -> None:
    old = KMSTransformer("strongroom", opened(hsm.uri("kek")), lease=60)
    old.refresh()
    stored = old.to_storage(b"{}", context=WHERE)
    hsm.make("kek2", 2)
    new = KMSTransformer("strongroom", opened(hsm.uri("kek2")), lease=60)
    new.refresh()
    plain = new.from_storage(stored, context=WHERE)
    assert (plain.value, plain.stale) == (b"{}", True)
    # As while servers are restarted in turn, who still writes with the old key reads the new.
    assert old.from_storage(new.to_storage(b"[]", context=WHERE), context=WHERE).value == b"[]"


def test_a_token_that_is_unplugged_and_comes_back(hsm: SoftHsm) -> None:
    token = opened(hsm.uri("kek"))
    wrapped = token.encrypt(SEED)
    with hsm.away():
        for _ in range(2):
            with pytest.raises(KeyServiceError, match="there is no such"):
                token.status()
            with pytest.raises(KeyServiceError, match="there is no such"):
                token.decrypt(wrapped)
    assert token.decrypt(wrapped) == SEED


def test_a_wrong_pin_is_not_tried_twice(hsm: SoftHsm) -> None:
    hsm.pin.write_text("9999\n")
    token = opened(hsm.uri("kek"))
    with pytest.raises(KeyServiceError, match=r"the PIN is not taken") as caught:
        token.status()
    with pytest.raises(KeyServiceError, match="is not tried again until it is another"):
        token.status()
    assert "9999" not in str(caught.value) + repr(token)
    hsm.pin.write_text("1234\n")
    assert token.status()
    hsm.pin.chmod(0o644)
    fresh_module(hsm.module)
    with pytest.raises(KeyServiceError, match=r"PIN file .* has mode 0644"):
        opened(hsm.uri("kek")).status()


def test_keys_that_are_not_used(hsm: SoftHsm) -> None:
    hsm.make("kek", 2)
    hsm.make("open", 3, extractable=True)
    for label, message in (
        ("kek", "2 keys are called so: name one by its id"),
        ("none", "there is no such AES key"),
        ("open", "the token would give that key away"),
    ):
        with pytest.raises(KeyServiceError, match=message):
            opened(hsm.uri(label)).status()
    with pytest.raises(KeyServiceError, match="no such AES key in the token; without pin-source"):
        opened(hsm.uri("kek").partition("&pin-source")[0]).status()
    assert opened(hsm.uri("kek", ";id=%02")).status().startswith("pkcs11:kek:02:")


def test_what_is_no_module(hsm: SoftHsm, tmp_path: Path) -> None:
    uri = hsm.uri("kek").replace(hsm.module, str(tmp_path / "none.so"))
    with pytest.raises(KeyServiceError, match=r"none\.so cannot be loaded"):
        opened(uri).status()
