"""Files in the format of age: what another program wrote, and what becomes of changed ones."""

from __future__ import annotations

import base64
import io
from functools import partial

import pytest

from strongroom.backup.age import BadFile, Opener, Sealer, lock, unlock

# By pyrage 1.4, an implementation in Rust that shares nothing with ours.
OF_ANOTHER = base64.b64decode(
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBVblZhenlzQ1FDbEw0SzNGV1M2NjNRIDE3Cm5uV2w3bXJmdkl0"
    "aGtEa2lDOEZlMjBobGhFaGgrbnhXa3F3SWlCYzIzL0EKLS0tIGRZU01VakpxS3hxeXpmZ2xoYzliajJsUWdaTHNtK1cw"
    "VjEyOFE0Q0lzcTAKmvaPOru4hbZn2mwGoU5szfWROVM+pGIFHMT5AFgLxN7Tv69eRt8zNHIz7rF7NopEtDIp"
)
CHUNK = 64 * 1024


def seal(content: bytes, passphrase: bytes = b"correct horse", work: int = 2) -> bytes:
    file = io.BytesIO()
    sealer = Sealer(file, partial(lock, passphrase=passphrase, work=work))
    for at in range(0, len(content), 1000):
        sealer.write(content[at : at + 1000])
    sealer.finish()
    return file.getvalue()


def opened(file: bytes, passphrase: bytes = b"correct horse") -> bytes:
    return b"".join(Opener(io.BytesIO(file), partial(unlock, passphrase=passphrase)).chunks())


def test_a_file_of_another_program_is_read() -> None:
    assert opened(OF_ANOTHER) == b"written by another\n"


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 150_000])
def test_what_was_written_is_read(size: int) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    assert opened(seal(content[:size])) == content[:size]


def test_it_can_be_read_again() -> None:
    opener = Opener(io.BytesIO(seal(b"x" * 70_000)), partial(unlock, passphrase=b"correct horse"))
    assert b"".join(opener.chunks()) == b"".join(opener.chunks()) == b"x" * 70_000


def test_another_passphrase_opens_nothing() -> None:
    with pytest.raises(BadFile, match="passphrase is wrong"):
        opened(seal(b"content"), b"correct house")


def test_every_changed_byte_is_noticed() -> None:
    whole = seal(b"a secret of some length", work=1)
    for at in range(len(whole)):
        with pytest.raises(BadFile):
            opened(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])


def test_a_digit_that_decoding_would_take_for_another_is_noticed() -> None:
    whole = seal(b"a secret of some length", work=1)
    digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    end = whole.index(b"\n", whole.index(b"\n--- ") + 1) - 1
    for other in digits.replace(whole[end : end + 1], b""):
        with pytest.raises(BadFile):
            opened(whole[:end] + bytes([other]) + whole[end + 1 :])


def test_a_file_that_ends_early_is_noticed_wherever_it_ends() -> None:
    whole = seal(b"a secret of some length", work=1)
    for end in range(len(whole)):
        with pytest.raises(BadFile):
            opened(whole[:end])


@pytest.mark.parametrize("less", [1, 16, CHUNK + 16, CHUNK + 17, 2 * (CHUNK + 16)])
def test_chunks_that_are_missing_are_noticed(less: int) -> None:
    with pytest.raises(BadFile):
        opened(seal(b"x" * 3 * CHUNK)[:-less])


def test_chunks_that_are_added_or_change_places_are_noticed() -> None:
    whole = seal(b"x" * 3 * CHUNK)
    start, length = len(whole) - 3 * (CHUNK + 16), CHUNK + 16
    first, second, last = (whole[start + at * length :][:length] for at in range(3))
    for other in (second + first + last, first + second + last + b"\0", first + second * 2 + last):
        with pytest.raises(BadFile):
            opened(whole[:start] + other)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"something else\n",
        b"age-encryption.org/v1\n",
        b"age-encryption.org/v1\n-> X25519 AAAA\nAAAA\n--- AAAA\n",
        b"age-encryption.org/v1\n-> scrypt\nAAAA\n--- AAAA\n",
        b"age-encryption.org/v1\n-> scrypt AAAA 10\nAAAA\n--- AAAA\n",
        b"age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 23\n" + b"A" * 43 + b"\n--- A\n",
        b"age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA -1\n" + b"A" * 43 + b"\n--- A\n",
        b"age-encryption.org/v1\n" + b"x" * 10_000,
        b"age-encryption.org/v1\n" + b"-> a\n\n" * 2000,
    ],
)
def test_other_headers_are_refused_at_no_cost(header: bytes) -> None:
    with pytest.raises(BadFile):
        opened(header)
