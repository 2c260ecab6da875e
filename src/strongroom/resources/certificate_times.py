"""When the certificates of a PEM text begin and end to be valid.

Of each certificate only the way to its two times is walked (RFC 5280, 4.1), which needs no cipher
and believes nothing: whether anybody should trust it is not asked. A text may be anything at all;
what is no certificate is passed over.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----")
_MARK = b"-----BEGIN CERTIFICATE-----"
_MOST = 1000
"""Certificates that are read of one text: the bundle of a browser has about 150."""

_INTEGER, _SEQUENCE, _UTC_TIME, _GENERALIZED_TIME = 0x02, 0x30, 0x17, 0x18
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_NOTHING = (-1, b"")
"""Stands for an element that is missing: of no tag that is expected."""
# The extension basicConstraints (2.5.29.19) that says cA TRUE, critical or not.
_AUTHORITY = re.compile(
    rb"\x06\x03\x55\x1d\x13(?:\x01\x01.)?\x04.\x30[\x03-\x7f]\x01\x01[^\x00]", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate says that it is valid, and whether it is an authority's."""

    not_before: datetime
    not_after: datetime
    authority: bool


class MalformedError(Exception):
    """Not the DER that is expected. Holds nothing of the content."""


def validities(text: bytes) -> list[Validity]:
    """Those of all readable certificates of a PEM text, in their order."""
    if _MARK not in text:
        return []
    found = []
    for i, block in enumerate(_BLOCK.finditer(text)):
        if i >= _MOST:
            break
        try:
            found.append(_validity(binascii.a2b_base64(block[1])))
        except (MalformedError, ValueError):
            continue
    return found


def end_of(text: bytes) -> datetime | None:
    """From when on a PEM text of certificates is of no use; None when it has none.

    A server or client is refused when its own certificate has ended, whatever its chain is worth:
    the earliest end of certificates that are no authority's counts. A bundle of authorities only
    is of use while one of them is: the latest counts.
    """
    found = validities(text)
    own = [validity.not_after for validity in found if not validity.authority]
    if own:
        return min(own)
    return max((validity.not_after for validity in found), default=None)


def _validity(der: bytes) -> Validity:
    """The times of one certificate. Raises MalformedError, ValueError."""
    certificate = _content(der, _SEQUENCE)
    parts = elements(_content(certificate, _SEQUENCE))
    tag, _ = next(parts, _NOTHING)
    if tag == _VERSION:
        tag, _ = next(parts, _NOTHING)
    if tag != _INTEGER:
        raise MalformedError
    for _ in ("signature", "issuer"):
        _expect(next(parts, _NOTHING), _SEQUENCE)
    times = elements(_expect(next(parts, _NOTHING), _SEQUENCE))
    begin, end = _time(*next(times, _NOTHING)), _time(*next(times, _NOTHING))
    return Validity(begin, end, any(tag == _EXTENSIONS and _rules(rest) for tag, rest in parts))


def _rules(extensions: bytes) -> bool:
    return _AUTHORITY.search(extensions) is not None


def _expect(element: tuple[int, bytes], tag: int) -> bytes:
    if element[0] != tag:
        raise MalformedError
    return element[1]


def _content(der: bytes, tag: int) -> bytes:
    """The content of the first element, which must be of this tag."""
    return _expect(next(elements(der), _NOTHING), tag)


def elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags and contents of elements in a row. Raises MalformedError where they are not whole."""
    at = 0
    while at + 2 <= len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length >= 0x80:
            # Indefinite lengths (0x80) are BER, not DER; more than four bytes are no certificate.
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise MalformedError
            length, at = int.from_bytes(der[at : at + count]), at + count
        if at + length > len(der):
            raise MalformedError
        yield tag, der[at : at + length]
        at += length
    if at < len(der):
        raise MalformedError


def _time(tag: int, content: bytes) -> datetime:
    """UTCTime or GeneralizedTime, in seconds and UTC as RFC 5280 demands. Raises ValueError."""
    text = content.decode("ascii")
    digits = {_UTC_TIME: 12, _GENERALIZED_TIME: 14}.get(tag, 0)
    if not digits or len(text) != digits + 1 or text[-1] != "Z" or not text[:-1].isdigit():
        raise MalformedError
    if tag == _UTC_TIME:
        # Two digits of the year: 1950 to 2049.
        text = ("19" if text >= "5" else "20") + text
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
    return datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=UTC)
