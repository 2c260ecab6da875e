"""AES-CBC, AES-GCM and secretbox: upstream's bytes, checked by other implementations of them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.bindings import crypto_secretbox, crypto_secretbox_open

from strongroom.storage.encryption.aes import AESCBCTransformer, AESGCMTransformer
from strongroom.storage.encryption.port import DecryptionFailed, Transformer
from strongroom.storage.encryption.secretbox import SecretboxTransformer

KEY = bytes(range(32))
WHERE = b"/registry/secrets/default/db"
VALUE = b'{"kind":"Secret"}'

SCHEMES: dict[str, Callable[[bytes], Transformer]] = {
    "aescbc": AESCBCTransformer,
    "aesgcm": AESGCMTransformer,
    "secretbox": SecretboxTransformer,
}


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> Transformer:
    return SCHEMES[request.param](KEY)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 4096])
def test_what_is_stored_reads_back(scheme: Transformer, size: int) -> None:
    value = b"v" * size
    first, second = (scheme.to_storage(value, context=WHERE) for _ in range(2))
    assert first != second
    plain = scheme.from_storage(first, context=WHERE)
    assert (plain.value, plain.stale) == (value, False)


@pytest.mark.parametrize("name", SCHEMES)
def test_another_key_reads_nothing(name: str) -> None:
    stored = SCHEMES[name](KEY).to_storage(VALUE, context=WHERE)

    def read() -> None:
        # A wrong key passes for the right one with CBC once in 256 times, but not sixteen times.
        for other in range(1, 17):
            SCHEMES[name](bytes([other]) * 32).from_storage(stored, context=WHERE)

    with pytest.raises(DecryptionFailed, match="key is another one") as caught:
        read()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_cut_values_are_errors(scheme: Transformer) -> None:
    stored = scheme.to_storage(VALUE, context=WHERE)
    for length in (0, 1, 11, 12, 16, 27, 31, len(stored) - 1):
        with pytest.raises(DecryptionFailed):
            scheme.from_storage(stored[:length], context=WHERE)


def test_gcm_binds_a_value_to_its_place() -> None:
    gcm = AESGCMTransformer(KEY)
    with pytest.raises(DecryptionFailed):
        gcm.from_storage(gcm.to_storage(VALUE, context=WHERE), context=WHERE + b"2")
    # Upstream's form, put together by hand.
    nonce = bytes(12)
    stored = nonce + AESGCM(KEY).encrypt(nonce, VALUE, WHERE)
    assert gcm.from_storage(stored, context=WHERE).value == VALUE


def test_openssl_reads_and_writes_the_same_cbc() -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl command")
    cbc = AESCBCTransformer(KEY)
    stored = cbc.to_storage(VALUE, context=WHERE)

    def run(how: str, vector: bytes, data: bytes) -> bytes:
        command = [openssl, "enc", how, "-aes-256-cbc", "-K", KEY.hex(), "-iv", vector.hex()]
        return subprocess.run(command, input=data, capture_output=True, check=True).stdout

    assert run("-d", stored[:16], stored[16:]) == VALUE
    vector = b"0123456789abcdef"
    assert cbc.from_storage(vector + run("-e", vector, VALUE), context=WHERE).value == VALUE


def test_libsodium_reads_and_writes_the_same_secretbox() -> None:
    box = SecretboxTransformer(KEY)
    stored = box.to_storage(VALUE, context=WHERE)
    assert crypto_secretbox_open(stored[24:], stored[:24], KEY) == VALUE
    nonce = bytes(24)
    sealed = nonce + crypto_secretbox(VALUE, nonce, KEY)
    assert box.from_storage(sealed, context=WHERE).value == VALUE


@pytest.mark.parametrize(
    ("made", "size"),
    [(AESCBCTransformer, 31), (AESGCMTransformer, 0), (SecretboxTransformer, 16)],
)
def test_keys_have_their_size(made: type, size: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        made(bytes(size))


def test_reprs_show_no_key() -> None:
    for made in SCHEMES.values():
        assert repr(made(KEY)).endswith("Transformer(…)")
