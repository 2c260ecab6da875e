"""The KMS v2 transformer, against an independent derivation and a counting key service."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from strongroom.storage.encryption.envelope import Source, SourceType, decode, encode, encode_source
from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.kms import KMSTransformer, PlainKey, Seed
from strongroom.storage.encryption.localkey import LocalKey
from strongroom.storage.encryption.port import DecryptionFailed, KeyServiceError

KEY = b"/registry/secrets/default/db"


class RotatingService:
    """A key service with several keys: counts what it is asked."""

    def __init__(self, *keys: bytes) -> None:
        self.services = [LocalKey(key) for key in keys]
        self.current = self.services[0]
        self.wraps = 0
        self.unwraps = 0
        self.quick = True

    def status(self) -> str:
        return self.current.status()

    def encrypt(self, plaintext: bytes) -> Wrapped:
        self.wraps += 1
        return self.current.encrypt(plaintext)

    def decrypt(self, wrapped: Wrapped) -> bytes:
        self.unwraps += 1
        for service in self.services:
            if service.status() == wrapped.key_id:
                return service.decrypt(wrapped)
        raise DecryptionFailed("unknown key")


@pytest.fixture
def service() -> RotatingService:
    return RotatingService(b"1" * 32, b"2" * 32)


def test_the_prefix_is_upstreams(service: RotatingService) -> None:
    assert KMSTransformer("vault", service).prefix == b"k8s:enc:kms:v2:vault:"


def test_round_trip_is_fresh_and_differs_each_time(service: RotatingService) -> None:
    kms = KMSTransformer("local", service)
    stored = [kms.to_storage(b"hunter2", context=KEY) for _ in range(3)]
    assert len(set(stored)) == 3
    for one in stored:
        assert b"hunter2" not in one
        plain = kms.from_storage(one, context=KEY)
        assert (plain.value, plain.stale) == (b"hunter2", False)
    assert (service.wraps, service.unwraps) == (1, 0)


def test_stored_bytes_open_by_the_published_scheme(service: RotatingService) -> None:
    """Decrypts with nothing of ours but the envelope: HKDF from the cryptography package."""
    stored = KMSTransformer("local", service).to_storage(b"hunter2", context=KEY)
    data, source = decode(stored)
    assert source.type is SourceType.HKDF_SHA256_XNONCE_AES_GCM_SEED
    seed = service.decrypt(source.wrapped)
    derived = HKDFExpand(SHA256(), 32, info=data[:32]).derive(seed)
    assert AESGCM(derived).decrypt(data[32:44], data[44:], KEY) == b"hunter2"


def test_values_of_the_older_key_type_are_read_and_stale(service: RotatingService) -> None:
    key, nonce = b"d" * 32, b"n" * 12
    data = nonce + AESGCM(key).encrypt(nonce, b"hunter2", KEY)
    source = Source(service.encrypt(key), SourceType.AES_GCM_KEY)
    plain = KMSTransformer("local", service).from_storage(
        encode(data, encode_source(source)), context=KEY
    )
    assert (plain.value, plain.stale) == (b"hunter2", True)


def test_another_start_reads_and_asks_the_service_once(service: RotatingService) -> None:
    before = KMSTransformer("local", service)
    stored = [before.to_storage(b"%d" % number, context=KEY) for number in range(5)]
    after = KMSTransformer("local", service)
    plain = [after.from_storage(one, context=KEY) for one in stored]
    assert [one.value for one in plain] == [b"0", b"1", b"2", b"3", b"4"]
    assert not any(one.stale for one in plain)
    assert (service.wraps, service.unwraps) == (2, 1)


def test_a_value_does_not_read_under_another_storage_key(service: RotatingService) -> None:
    kms = KMSTransformer("local", service)
    stored = kms.to_storage(b"hunter2", context=KEY)
    with pytest.raises(DecryptionFailed):
        kms.from_storage(stored, context=b"/registry/secrets/default/other")


def test_every_flipped_bit_is_noticed(service: RotatingService) -> None:
    kms = KMSTransformer("local", service)
    stored = kms.to_storage(b"hunter2", context=KEY)
    for position in range(len(stored)):
        damaged = bytearray(stored)
        damaged[position] ^= 1
        with pytest.raises(DecryptionFailed):
            kms.from_storage(bytes(damaged), context=KEY)
        with pytest.raises(DecryptionFailed):
            kms.from_storage(stored[:position], context=KEY)


def test_a_new_seed_after_the_bound_of_writes(service: RotatingService) -> None:
    kms = KMSTransformer("local", service, max_writes=3)
    stored = [kms.to_storage(b"v", context=KEY) for _ in range(7)]
    sources = [decode(one)[1].wrapped.ciphertext for one in stored]
    assert [sources.index(source) for source in sources] == [0, 0, 0, 3, 3, 3, 6]
    assert not any(kms.from_storage(one, context=KEY).stale for one in stored)
    assert service.unwraps == 0


def test_a_rotated_key_makes_older_values_stale(service: RotatingService) -> None:
    kms = KMSTransformer("local", service)
    old = kms.to_storage(b"v", context=KEY)
    kms.refresh()
    assert service.wraps == 1
    service.current = service.services[1]
    kms.refresh()
    assert kms.key_id == service.services[1].status()
    new = kms.to_storage(b"v", context=KEY)
    assert [kms.from_storage(one, context=KEY).stale for one in (old, new)] == [True, False]
    assert decode(new)[1].wrapped.key_id == kms.key_id


def test_an_unusable_answer_is_found_at_start() -> None:
    class Nameless(LocalKey):
        def encrypt(self, plaintext: bytes) -> Wrapped:
            return Wrapped(b"w", "")

    with pytest.raises(KeyServiceError):
        KMSTransformer("local", Nameless(b"k" * 32))


def test_keys_hide_in_representations(service: RotatingService) -> None:
    seed, key = Seed(b"s3cr3t--" * 4), PlainKey(b"s3cr3t--" * 4)
    text = f"{seed!r} {key!r} {KMSTransformer('local', service)!r} {LocalKey(b's3cr3t--' * 4)!r}"
    assert "s3cr3t" not in text


@pytest.mark.parametrize("kind", [Seed, PlainKey])
def test_keys_of_a_wrong_size_are_refused(kind: type[Seed | PlainKey]) -> None:
    with pytest.raises(DecryptionFailed):
        kind(b"short")
