"""Whom a certificate is for, as text: enough for a person to know it by, believed by nobody."""

from __future__ import annotations

from strongroom.resources.certificate_times import MalformedError, elements

_SEQUENCE, _SET, _OID, _VERSION = 0x30, 0x31, 0x06, 0xA0
_LABELS = {
    b"\x55\x04\x03": "CN",
    b"\x55\x04\x06": "C",
    b"\x55\x04\x07": "L",
    b"\x55\x04\x08": "ST",
    b"\x55\x04\x0a": "O",
    b"\x55\x04\x0b": "OU",
}
_TEXTS = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1E: "utf-16-be"}
_SUBJECT = 4
"""Place of the subject behind the version: serial, algorithm, issuer, times, subject."""


def subject_of(der: bytes) -> str:
    """The subject of a certificate, such as ``CN=web,O=shop``; empty if it cannot be read."""
    try:
        ((tag, certificate),) = elements(der)
        parts = list(elements(next(elements(certificate))[1]))
        at = _SUBJECT + (parts[0][0] == _VERSION)
        tag, subject = parts[at]
        if tag != _SEQUENCE:
            return ""
        return ",".join(_attribute(entry) for tag, entry in _entries(subject) if tag == _SET)
    except (MalformedError, LookupError, ValueError, StopIteration):
        return ""


def _entries(subject: bytes) -> list[tuple[int, bytes]]:
    return list(elements(subject))


def _attribute(entry: bytes) -> str:
    """One ``LABEL=text``, of the first attribute where several stand together."""
    (_, pair), *_ = elements(entry)
    (tag, oid), (kind, content) = elements(pair)
    if tag != _OID or kind not in _TEXTS:
        raise ValueError("no attribute of text")
    text = content.decode(_TEXTS[kind])
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return f"{_LABELS.get(oid, 'other')}={shown}"
