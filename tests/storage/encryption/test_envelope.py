"""The bytes of the KMS v2 envelope, written out by hand from the protobuf encoding rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.storage.encryption.envelope import (
    Source,
    SourceType,
    decode,
    encode,
    encode_source,
    split,
)
from strongroom.storage.encryption.keyservice import Wrapped
from strongroom.storage.encryption.port import DecryptionFailed

SEED = SourceType.HKDF_SHA256_XNONCE_AES_GCM_SEED

# Each tag is field number * 8 + wire type: 1, 2, 3 and 4 are length-delimited (0x0a, 0x12, 0x1a,
# 0x22), 5 is a varint (0x28).
GOLDEN_SEED = bytes.fromhex(
    "0a03"
    + b"\x01\x02\x03".hex()  # 1: encryptedData
    + "1204"
    + b"kid1".hex()  # 2: keyID
    + "1a02"
    + "fffe"  # 3: encryptedDEKSource
    + "220f"
    + "0a0b"
    + b"a.example.b".hex()
    + "1200"  # 4: annotations {"a.example.b": ""}
    + "2211"
    + "0a0b"
    + b"b.example.c".hex()
    + "12027631"  # 4: annotations {"b.example.c": "v1"}
    + "2801"  # 5: the seed type
)
GOLDEN_KEY = bytes.fromhex("0a0101" + "12016b" + "1a0177")


def test_golden_bytes_of_the_seed_type() -> None:
    wrapped = Wrapped(b"\xff\xfe", "kid1", {"b.example.c": b"v1", "a.example.b": b""})
    source = Source(wrapped, SEED)
    assert encode(b"\x01\x02\x03", encode_source(source)) == GOLDEN_SEED
    assert decode(GOLDEN_SEED) == (b"\x01\x02\x03", source)


def test_golden_bytes_of_the_key_type_leave_the_zero_value_out() -> None:
    source = Source(Wrapped(b"w", "k"), SourceType.AES_GCM_KEY)
    assert encode(b"\x01", encode_source(source)) == GOLDEN_KEY
    assert decode(GOLDEN_KEY) == (b"\x01", source)


def test_long_data_has_a_longer_length() -> None:
    source = encode_source(Source(Wrapped(b"w", "k"), SEED))
    coded = encode(b"x" * 300, source)
    assert coded[:3] == b"\x0a\xac\x02"
    assert split(coded) == (b"x" * 300, source)


def test_fields_in_another_order_and_unknown_ones_are_read() -> None:
    unknown = b"\x30\x07" + b"\x3a\x01z" + b"\x41" + b"8" * 8 + b"\x4d" + b"4" * 4
    shuffled = b"\x28\x01" + unknown + b"\x1a\x01w" + b"\x12\x01k" + b"\x0a\x01\x01"
    assert split(shuffled) is None
    assert decode(shuffled) == (b"\x01", Source(Wrapped(b"w", "k"), SEED))


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\x0a\x05abc",
        GOLDEN_SEED[:-1],
        b"\x0a" + b"\xff" * 11,
        b"\x08\x01" + GOLDEN_KEY,
        GOLDEN_KEY + b"\x28\x02",
        GOLDEN_KEY + b"\x0b",
        GOLDEN_KEY + b"\x2a\x01a",
        GOLDEN_KEY + b"\x12\x01\xff",
        GOLDEN_KEY + b"\x22\x04\x0a\x02\xff\xff",
        GOLDEN_KEY + b"\x22\x02\x10\x01",
        b"\x12\x01k\x1a\x01w",
        b"\x0a\x01\x01\x1a\x01w",
        b"\x0a\x01\x01\x12\x01k",
        encode(b"1", b"\x12\x81\x08" + b"k" * 1025 + b"\x1a\x01w"),
        encode(b"1", b"\x12\x01k" + b"\x1a\x81\x08" + b"w" * 1025),
        GOLDEN_KEY + b"\x22\x05\x0a\x03bad",
    ],
)
def test_what_is_no_envelope_is_refused(damaged: bytes) -> None:
    with pytest.raises(DecryptionFailed):
        decode(damaged)


@pytest.mark.parametrize(
    "wrapped",
    [
        Wrapped(b"", "k"),
        Wrapped(b"w", ""),
        Wrapped(b"w", "k" * 1025),
        Wrapped(b"w" * 1025, "k"),
        Wrapped(b"w", "k", {"nodots": b""}),
        Wrapped(b"w", "k", {"a.example.com": b"x" * 33_000}),
    ],
)
def test_answers_beyond_upstreams_limits_are_not_written(wrapped: Wrapped) -> None:
    with pytest.raises(ValueError, match=r"key|annotation"):
        encode_source(Source(wrapped, SEED))


@given(st.binary(max_size=400))
def test_any_bytes_decode_or_are_refused(noise: bytes) -> None:
    try:
        data, source = decode(noise)
    except DecryptionFailed:
        return
    assert decode(encode(data, encode_source(source))) == (data, source)


@given(
    st.binary(min_size=1, max_size=300),
    st.binary(min_size=1, max_size=1024),
    st.text("abc:/é", min_size=1, max_size=200),
    st.dictionaries(st.from_regex(r"[a-z]{1,9}\.[a-z]{1,9}", fullmatch=True), st.binary()),
    st.sampled_from(SourceType),
)
def test_round_trip(
    data: bytes, ciphertext: bytes, key_id: str, notes: dict[str, bytes], kind: SourceType
) -> None:
    source = Source(Wrapped(ciphertext, key_id, notes), kind)
    assert decode(encode(data, encode_source(source))) == (data, source)
