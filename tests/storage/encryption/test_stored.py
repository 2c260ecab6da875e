"""What a stored value tells of its encryption, and which transformer its place gets."""

from __future__ import annotations

import pytest

from strongroom.storage.encryption.aes import AESCBCTransformer, AESGCMTransformer
from strongroom.storage.encryption.choosing import TransformerByKind, section
from strongroom.storage.encryption.identity import IdentityTransformer
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.localkey import LocalKey
from strongroom.storage.encryption.port import DecryptionFailed, Transformer
from strongroom.storage.encryption.prefix import PrefixTransformer
from strongroom.storage.encryption.stored import KMS_V2, Stored, look, prefix_of

WHERE = b"/registry/secrets/default/db"
NEW, OLD = bytes(32), bytes([1]) * 32


@pytest.mark.parametrize(
    ("value", "expected", "told"),
    [
        (b'{"kind":"Secret"}', Stored("identity"), "not encrypted"),
        (b"k8s\0...", Stored("identity"), "not encrypted"),
        (b"", Stored("identity"), "not encrypted"),
        (b"k8s:enc:aescbc:v1:key1:\x00:\xff", Stored("aescbc", "key1"), "aescbc key 'key1'"),
        (b"k8s:enc:secretbox:v1:a b:..", Stored("secretbox", "a b"), "secretbox key 'a b'"),
        (b"k8s:enc:kms:v1:vault:..", Stored("kms v1", "vault"), "kms v1 provider 'vault'"),
        (b"k8s:enc:kms:v2:vault:junk", Stored("kms v2", "vault"), "kms v2 provider 'vault'"),
        (b"k8s:enc:aescbc:v2:key1:...", Stored("unknown"), "an unknown scheme"),
        (b"k8s:enc:aescbc", Stored("unknown"), "an unknown scheme"),
    ],
)
def test_values_tell_how_they_are_stored(value: bytes, expected: Stored, told: str) -> None:
    assert look(value) == expected
    assert str(look(value)) == told


def test_an_envelope_tells_its_key() -> None:
    key = LocalKey(NEW)
    kms = KMSTransformer("local", key)
    assert kms.prefix == prefix_of(KMS_V2, "local")
    stored = kms.prefix + kms.to_storage(b"v", context=WHERE)
    assert look(stored) == Stored("kms v2", "local", key.status())


def keyed(*keys: tuple[str, bytes]) -> PrefixTransformer:
    return PrefixTransformer([(prefix_of("aesgcm", n), AESGCMTransformer(k)) for n, k in keys])


def test_a_second_key_of_the_same_name_is_tried() -> None:
    stored = keyed(("key1", OLD)).to_storage(b"v", context=WHERE)
    plain = keyed(("key1", NEW), ("key1", OLD)).from_storage(stored, context=WHERE)
    assert (plain.value, plain.stale) == (b"v", True)


def test_the_error_names_the_key_that_is_missing() -> None:
    stored = keyed(("key1", OLD)).to_storage(b"v", context=WHERE)
    both = PrefixTransformer([(b"", IdentityTransformer()), *_pairs("key2", NEW)])
    with pytest.raises(DecryptionFailed, match="aesgcm key 'key1', of which no provider"):
        both.from_storage(stored, context=WHERE)
    with pytest.raises(DecryptionFailed, match="the key is another one"):
        PrefixTransformer([(b"", IdentityTransformer()), *_pairs("key1", NEW)]).from_storage(
            stored, context=WHERE
        )


def _pairs(name: str, key: bytes) -> list[tuple[bytes, Transformer]]:
    return [(prefix_of("aesgcm", name), AESGCMTransformer(key))]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("/registry/secrets/default/db", "secrets"),
        ("/registry/services/specs/default/web", "services/specs"),
        ("/registry/example.com/widgets/default/a", "example.com/widgets"),
        ("/registry/apiregistration.k8s.io/apiservices/a", "apiregistration.k8s.io/apiservices"),
        ("/registry/minions/n1", "minions"),
        ("/strongroom/audit/hmac-key", ""),
        ("/registry", ""),
    ],
)
def test_sections_of_keys(key: str, expected: str) -> None:
    assert section(key) == expected


def test_each_section_has_its_transformer() -> None:
    asked: list[str] = []

    def choose(name: str) -> Transformer:
        asked.append(name)
        return AESCBCTransformer(NEW) if name == "secrets" else IdentityTransformer()

    chosen = TransformerByKind(choose)
    for _ in range(2):
        assert chosen.to_storage(b"v", context=b"/registry/pods/default/p") == b"v"
        stored = chosen.to_storage(b"v", context=WHERE)
        assert stored != b"v"
        assert chosen.from_storage(stored, context=WHERE).value == b"v"
    assert asked == ["pods", "secrets"]
    chosen.reset(lambda _: IdentityTransformer())
    assert chosen.to_storage(b"v", context=WHERE) == b"v"
