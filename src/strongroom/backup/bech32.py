"""Bech32 (BIP 173): the text of age's keys, with a checksum that finds mistakes of typing."""

from __future__ import annotations

_DIGITS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6


def encoded(prefix: str, content: bytes) -> str:
    """The text of some bytes, in lower case."""
    digits = _regrouped(content, 8, 5)
    check = _polymod([*_expanded(prefix), *digits, *([0] * _CHECKSUM)]) ^ 1
    digits += [check >> 5 * (_CHECKSUM - 1 - at) & 31 for at in range(_CHECKSUM)]
    return f"{prefix}1{''.join(_DIGITS[digit] for digit in digits)}"


def decoded(prefix: str, text: str) -> bytes:
    """The bytes of a text in one case. Raises ValueError, which quotes nothing of it."""
    lower = text.lower()
    found, _, rest = lower.rpartition("1")
    if text not in (lower, text.upper()) or found != prefix:
        raise ValueError(f"no text that begins with {prefix}1")
    if len(rest) < _CHECKSUM:
        raise ValueError(f"a text of {prefix}1… that is cut off")
    if not set(rest) <= set(_DIGITS):
        raise ValueError(f"a letter that a text of {prefix}1… does not have")
    digits = [_DIGITS.index(letter) for letter in rest]
    if _polymod([*_expanded(prefix), *digits]) != 1:
        raise ValueError(f"a text of {prefix}1… with a mistake in it")
    content = bytes(_regrouped(digits[:-_CHECKSUM], 5, 8, cut=True))
    if encoded(prefix, content) != lower:
        raise ValueError(f"a text of {prefix}1… with a mistake in it")
    return content


def _regrouped(values: bytes | list[int], bits: int, into: int, *, cut: bool = False) -> list[int]:
    """The same bits in groups of another size; what is left over is filled up, or cut off."""
    waiting = held = 0
    found = []
    for value in values:
        waiting, held = waiting << bits | value, held + bits
        while held >= into:
            held -= into
            found.append(waiting >> held & ((1 << into) - 1))
    if held and not cut:
        found.append(waiting << (into - held) & ((1 << into) - 1))
    return found


def _expanded(prefix: str) -> list[int]:
    return [*(ord(letter) >> 5 for letter in prefix), 0, *(ord(letter) & 31 for letter in prefix)]


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for at, generator in enumerate(_GENERATOR):
            check ^= generator if top >> at & 1 else 0
    return check
