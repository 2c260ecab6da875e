"""Choosing a transformer by the stored prefix, and the identity transformer."""

from __future__ import annotations

import pytest

from strongroom.storage.encryption.identity import IdentityTransformer
from strongroom.storage.encryption.kms import KMSTransformer
from strongroom.storage.encryption.localkey import LocalKey
from strongroom.storage.encryption.port import DecryptionFailed
from strongroom.storage.encryption.prefix import PrefixTransformer

KEY = b"/registry/secrets/default/db"


@pytest.fixture
def kms() -> KMSTransformer:
    return KMSTransformer("local", LocalKey(b"k" * 32))


def test_the_first_writes_and_reads_fresh(kms: KMSTransformer) -> None:
    both = PrefixTransformer([(kms.prefix, kms), (b"", IdentityTransformer())])
    stored = both.to_storage(b"hunter2", context=KEY)
    assert stored.startswith(b"k8s:enc:kms:v2:local:\x0a")
    plain = both.from_storage(stored, context=KEY)
    assert (plain.value, plain.stale) == (b"hunter2", False)


def test_others_read_stale(kms: KMSTransformer) -> None:
    both = PrefixTransformer([(kms.prefix, kms), (b"", IdentityTransformer())])
    plain = both.from_storage(b'{"kind":"Secret"}', context=KEY)
    assert (plain.value, plain.stale) == (b'{"kind":"Secret"}', True)


def test_encryption_turned_off_still_reads_encrypted_values(kms: KMSTransformer) -> None:
    off = PrefixTransformer([(b"", IdentityTransformer()), (kms.prefix, kms)])
    assert off.to_storage(b"v", context=KEY) == b"v"
    assert not off.from_storage(b"v", context=KEY).stale
    with pytest.raises(DecryptionFailed):
        off.from_storage(kms.prefix + b"damaged", context=KEY)


def test_identity_never_passes_ciphertext_off_as_plaintext() -> None:
    with pytest.raises(DecryptionFailed):
        IdentityTransformer().from_storage(b"k8s:enc:aescbc:v1:key1:...", context=KEY)


def test_no_prefix_matches(kms: KMSTransformer) -> None:
    only = PrefixTransformer([(kms.prefix, kms)])
    with pytest.raises(DecryptionFailed):
        only.from_storage(b"{}", context=KEY)


def test_without_a_writer_there_is_no_transformer() -> None:
    with pytest.raises(ValueError, match="at least one"):
        PrefixTransformer([])
