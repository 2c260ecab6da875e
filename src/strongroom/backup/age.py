"""Files in the format of age (age-encryption.org/v1, C2SP), encrypted to a passphrase or to keys.

The header wraps the file's key and is authenticated by it; the payload follows in chunks of 64 KiB,
each of which is authenticated with its number and with whether it is the last. So a file that was
edited, cut or lengthened is noticed at the place, and `age -d` opens it without us.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

_VERSION = b"age-encryption.org/v1\n"
_SCRYPT = "scrypt"
_SCRYPT_SALT = b"age-encryption.org/v1/scrypt"
_CHUNK = 64 * 1024
_TAG = 16
_ZERO = bytes(12)
_MAX_LINE = 4096
_MAX_LINES = 1000

WORK = 17
"""Logarithm of the cost of a passphrase: 128 MiB of memory, about a second."""
_MOST_WORK = 22
"""As in age: a file that asks for more is an attack on whoever opens it."""


class BadFile(Exception):
    """A file that is no age file, is damaged or cut, or was not encrypted for this passphrase."""


@dataclass(frozen=True, slots=True)
class Stanza:
    """One way to the file's key."""

    arguments: tuple[str, ...]
    body: bytes = field(repr=False)

    def text(self) -> bytes:
        """As it stands in the header."""
        coded = _b64(self.body)
        lines = [coded[at : at + 64] for at in range(0, len(coded) + 1, 64)]
        return ("-> " + " ".join(self.arguments) + "\n" + "\n".join(lines) + "\n").encode()


def lock(file_key: bytes, passphrase: bytes, *, work: int = WORK) -> Stanza:
    """Wrap a file's key under a passphrase."""
    salt = secrets.token_bytes(16)
    sealed = ChaCha20Poly1305(_stretch(passphrase, salt, work)).encrypt(_ZERO, file_key, None)
    return Stanza((_SCRYPT, _b64(salt), str(work)), sealed)


def unlock(stanzas: list[Stanza], passphrase: bytes) -> bytes:
    """The file's key. Raises BadFile."""
    if len(stanzas) != 1 or stanzas[0].arguments[0] != _SCRYPT:
        raise BadFile("the file is not encrypted with a passphrase")
    arguments, body = stanzas[0].arguments, stanzas[0].body
    if len(arguments) != 3 or not arguments[2].isascii() or not arguments[2].isdigit():
        raise BadFile("the file's header is damaged")
    salt, work = _unb64(arguments[1]), int(arguments[2][:4])
    if len(salt) != 16 or not 1 <= work <= _MOST_WORK or len(body) != 32:
        raise BadFile("the file's header is damaged")
    try:
        return ChaCha20Poly1305(_stretch(passphrase, salt, work)).decrypt(_ZERO, body, None)
    except InvalidTag:
        raise BadFile("the passphrase is wrong, or the file's header is damaged") from None


class Sealer:
    """Writes a file. What was written is worth nothing before ``finish``.

    Each of ``wraps`` makes one way to open it; a passphrase has to be the only one.
    """

    def __init__(self, file: IO[bytes], *wraps: Callable[[bytes], Stanza]) -> None:
        file_key, nonce = secrets.token_bytes(16), os.urandom(16)
        header = _VERSION + b"".join(wrap(file_key).text() for wrap in wraps) + b"---"
        file.write(header + b" " + _b64(_mac(file_key, header)).encode() + b"\n" + nonce)
        self._file, self._number, self._waiting = file, 0, bytearray()
        self._cipher = ChaCha20Poly1305(_derive(file_key, nonce, b"payload"))

    def write(self, content: bytes) -> None:
        """Add to the payload."""
        self._waiting += content
        while len(self._waiting) > _CHUNK:  # A full chunk waits: it may be the last.
            self._seal(bytes(self._waiting[:_CHUNK]), last=False)
            del self._waiting[:_CHUNK]

    def finish(self) -> None:
        """End the payload, which makes the file whole."""
        self._seal(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last=last), chunk, None))
        self._number += 1


class Opener:
    """Reads a file that can be read from its beginning more than once."""

    def __init__(self, file: IO[bytes], unwrap: Callable[[list[Stanza]], bytes]) -> None:
        """Read the header. Raises BadFile."""
        self._file = file
        stanzas, header, mac = _read_header(file)
        file_key = unwrap(stanzas)
        check = HMAC(_derive(file_key, b"", b"header"), SHA256())
        check.update(header)
        try:
            check.verify(mac)
        except InvalidSignature:
            raise BadFile("the file's header was changed") from None
        nonce = file.read(16)
        if len(nonce) != 16:
            raise BadFile("the file is cut off")
        self._cipher = ChaCha20Poly1305(_derive(file_key, nonce, b"payload"))
        self._payload = file.tell()

    def chunks(self) -> Iterator[bytes]:
        """The payload from its beginning, each piece as soon as it is known to be genuine.

        Raises BadFile, where the file is cut or damaged: then nothing of it may be used.
        """
        self._file.seek(self._payload)
        number, chunk = 0, self._file.read(_CHUNK + _TAG)
        while True:
            following = self._file.read(_CHUNK + _TAG)
            yield self._open(chunk, number, last=not following)
            if not following:
                return
            number, chunk = number + 1, following

    def _open(self, chunk: bytes, number: int, *, last: bool) -> bytes:
        try:
            plain = self._cipher.decrypt(_nonce(number, last=last), chunk, None)
        except (InvalidTag, ValueError):
            raise BadFile(f"the file is damaged or cut off after {number * _CHUNK} bytes") from None
        if last and number and not plain:
            raise BadFile("the file ends in an empty piece")
        return plain


def _read_header(file: IO[bytes]) -> tuple[list[Stanza], bytes, bytes]:
    """The stanzas, what is authenticated, and by what. Raises BadFile."""
    header = file.readline(_MAX_LINE)
    if header != _VERSION:
        raise BadFile("this is no backup: an age file was expected")
    stanzas: list[Stanza] = []
    line = _line(file)
    for _ in range(_MAX_LINES):
        if line.startswith(b"--- "):
            return stanzas, header + b"---", _unb64(line[4:-1].decode("ascii", "replace"))
        if not line.startswith(b"-> "):
            break
        header += line
        arguments = tuple(line[3:-1].decode("ascii", "replace").split(" "))
        coded = ""
        while True:
            part = _line(file)
            header += part
            coded += part[:-1].decode("ascii", "replace")
            if len(part) <= 64:
                break
        stanzas.append(Stanza(arguments, _unb64(coded)))
        line = _line(file)
    raise BadFile("the file's header is damaged")


def _line(file: IO[bytes]) -> bytes:
    line = file.readline(_MAX_LINE)
    if not line.endswith(b"\n"):
        raise BadFile("the file is cut off, or its header is damaged")
    return line


def _stretch(passphrase: bytes, salt: bytes, work: int) -> bytes:
    return Scrypt(salt=_SCRYPT_SALT + salt, length=32, n=1 << work, r=8, p=1).derive(passphrase)


def _derive(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt or None, info).derive(key)


def _mac(file_key: bytes, header: bytes) -> bytes:
    mac = HMAC(_derive(file_key, b"", b"header"), SHA256())
    mac.update(header)
    return mac.finalize()


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    damaged = BadFile("the file's header is damaged")
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise damaged from None
    # The last digit has bits that decoding leaves out: age allows them one value.
    if _b64(content) != text:
        raise damaged
    return content
