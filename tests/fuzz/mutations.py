"""Damage: trees and bytes that are nearly those of an object."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from strongroom.api.errors import StatusError
from tests.api.protobuf_objects import Filler
from tests.e2e.marked import MARK, MARK64

T = TypeVar("T")

_JUNK: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1 << 31,
    1 << 63,
    1 << 70,
    1e308,
    0.5,
    "",
    " ",
    "a",
    "-",
    "1Gi",
    "50%",
    "99999999999999999999",
    "2026-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-99-99",
    "\ud83d\udd11",
    "\x00",
    "../../x",
    "$(a)$(b",
    "a" * 300,
    MARK,
    MARK64,
    [],
    {},
    [None],
    [[]],
    [{}],
    {"": None},
    {"a": {"b": {}}},
    {"$patch": "delete"},
    {"$patch": "replace"},
    {"$ref": "#"},
)
_KEYS = ("", "a", "name", "$patch", "$retainKeys", "x" * 300, "\u00e9", "metadata", "spec")
_TOKENS = (
    *(b"{", b"}", b"[", b"]", b",", b'"', b"'", b"\\", b"\n", b"\t", b"\x00", b"\xff", b"\xc3"),
    *(b"null", b"true", b"1e999", b"-", b"0", b"\\u0000", b"\\ud800", b"- ", b"? ", b"&a ", b"*a "),
    *(b"!!binary ", b"!!python/object:x ", b"<<", b"|\n", b"%YAML 9\n", b"---\n", b"...\n", b"#"),
    *(b"\x80" * 10, b"\xff\xff\xff\xff\x0f", b"\x0a\x7f", b"\x08\x01", b"\x1b", b"k8s\x00"),
)


class Marking(Filler):
    """Fills objects whose texts are the marker, now and then."""

    def text(self) -> str:
        return MARK if self._random.random() < 0.3 else super().text()


def damaged_tree(random: Random, tree: Any, times: int = 3) -> Any:
    """A copy of a tree in which a few members or items are others, gone, doubled or renamed."""
    out = copy.deepcopy(tree)
    for _ in range(random.randint(1, times)):
        _damage(random, out)
    return out


def _damage(random: Random, tree: Any) -> None:
    node = tree
    # Down a random way; the deeper, the rarer.
    while True:
        inner = [v for v in _children(node) if isinstance(v, (dict, list)) and v]
        if not inner or random.random() < 0.25:
            break
        node = random.choice(inner)
    if isinstance(node, dict):
        _damage_members(random, node)
    elif isinstance(node, list):
        _damage_items(random, node)


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _damage_members(random: Random, node: dict[str, Any]) -> None:
    names = sorted(node)
    name = random.choice(names) if names else "a"
    match random.randrange(6):
        case 0:
            node.pop(name, None)
        case 1:
            node[random.choice(_KEYS)] = node.pop(name, None)
        case 2:
            node[random.choice(_KEYS)] = junk(random)
        case 3:
            node[name] = [copy.deepcopy(node.get(name))]
        case _:
            node[name] = junk(random)


def _damage_items(random: Random, node: list[Any]) -> None:
    at = random.randrange(len(node)) if node else 0
    match random.randrange(5):
        case 0 if node:
            node.append(copy.deepcopy(node[at]))
        case 1 if node:
            node.pop(at)
        case 2:
            random.shuffle(node)
        case 3 if node:
            node[at] = junk(random)
        case _:
            node.append(junk(random))


def junk(random: Random) -> Any:
    """A value that is probably wrong."""
    return copy.deepcopy(random.choice(_JUNK))


def damaged_bytes(random: Random, body: bytes, times: int = 4) -> bytes:
    """Bytes with a few cut, doubled, changed or put in."""
    out = bytearray(body)
    for _ in range(random.randint(1, times)):
        at = random.randrange(len(out) + 1)
        end = min(len(out), at + random.choice((1, 1, 2, 8, 64)))
        match random.randrange(5):
            case 0:
                del out[at:end]
            case 1:
                out[at:at] = out[at:end]
            case 2 if at < len(out):
                out[at] ^= 1 << random.randrange(8)
            case 3:
                out[at:end] = random.choice(_TOKENS)
            case _:
                out[at:at] = random.choice(_TOKENS)
    return bytes(out)


def tells(text: str) -> bool:
    """Whether a text has the marker in it."""
    return MARK in text or MARK64 in text


def as_json(tree: Any) -> bytes:
    """JSON, also of what is no text in Unicode."""
    return json.dumps(tree).encode()


def attempted(random: Random, call: Callable[[], T]) -> T | None:
    """What a call returns, or None when it refuses as it should: 4xx, telling no value."""
    try:
        return call()
    except StatusError as error:
        refusal = error
    assert 400 <= refusal.code < 500, random
    assert not tells(refusal.message), random
    return None
