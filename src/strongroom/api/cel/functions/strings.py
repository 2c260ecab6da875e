"""The extended string library, in the version that Kubernetes uses (cel-go ``ext.Strings`` 2)."""

from __future__ import annotations

from typing import Any

from strongroom.api.cel.budget import Budget
from strongroom.api.cel.comparing import NO_OVERLOAD
from strongroom.api.cel.errors import CelError
from strongroom.api.cel.formatting import format_string
from strongroom.api.cel.overloads import function, method
from strongroom.api.gotext import ESCAPES

_SPACES = range(0x2000, 0x200B)
_WHITE = " \t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, _SPACES))
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}


def _char_at(text: str, at: int) -> str:
    if at == len(text):
        return ""
    return text[_checked(at, text)]


def _checked(at: int, text: str) -> int:
    if 0 <= at <= len(text):
        return at
    raise CelError(f"index out of range: {at}")


def _index_of(text: str, part: str, start: int = 0) -> int:
    if part == "":
        return _checked(start, text) if start else 0
    return text.find(part, _checked(start, text))


def _last_index_of(text: str, part: str, start: int | None = None) -> int:
    if start is None:
        return text.rfind(part)
    if part == "":
        return _checked(start, text)
    return text.rfind(part, 0, _checked(start, text) + len(part))


def _substring(text: str, start: int, end: int | None = None) -> str:
    if end is None:
        return text[_checked(start, text) :]
    if start > end:
        raise CelError(f"invalid substring range. start: {start}, end: {end}")
    return text[_checked(start, text) : _checked(end, text)]


def _replace(budget: Budget, text: str, old: str, new: str, limit: int = -1) -> str:
    found = text.count(old)
    times = found if limit < 0 else min(found, limit)
    budget.spend((len(text) + times * len(new)) * 0.1)
    return text.replace(old, new, times)


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if separator == "":
        characters = list(text)
        if 0 < limit < len(characters):
            return [*characters[: limit - 1], "".join(characters[limit - 1 :])]
        return characters
    return text.split(separator, limit - 1 if limit > 0 else -1)


def _join(budget: Budget, parts: list[Any], separator: str = "") -> str:
    if not all(type(part) is str for part in parts):
        raise CelError(NO_OVERLOAD)
    budget.spend((sum(map(len, parts)) + len(parts) * len(separator)) * 0.1)
    return separator.join(parts)


def _quote(text: str) -> str:
    return '"' + "".join(ESCAPES.get(char, char) for char in text) + '"'


FUNCTIONS = (
    method("charAt", "string int -> string", _char_at),
    method("indexOf", "string string -> int", _index_of),
    method("indexOf", "string string int -> int", _index_of),
    method("lastIndexOf", "string string -> int", _last_index_of),
    method("lastIndexOf", "string string int -> int", _last_index_of),
    method("lowerAscii", "string -> string", lambda text: text.translate(_LOWER)),
    method("upperAscii", "string -> string", lambda text: text.translate(_UPPER)),
    method("replace", "string string string -> string", _replace, budgeted=True),
    method("replace", "string string string int -> string", _replace, budgeted=True),
    method("split", "string string -> list<string>", _split),
    method("split", "string string int -> list<string>", _split),
    method("substring", "string int -> string", _substring),
    method("substring", "string int int -> string", _substring),
    method("trim", "string -> string", lambda text: text.strip(_WHITE)),
    method("join", "list<string> -> string", _join, budgeted=True),
    method("join", "list<string> string -> string", _join, budgeted=True),
    method("format", "string list<dyn> -> string", format_string, budgeted=True),
    function("strings.quote", "string -> string", _quote),
)
