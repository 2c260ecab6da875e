"""The order of a merged list: the patch's items as the patch says, the others where they were.

Items are told apart by their merge key, or by their value in lists of scalars.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from strongroom.api.patch.failures import malformed

Identity = tuple[bool, Any]
"""Whether it is a boolean, and the value: JSON's true is not 1, Python's is."""


def identity(item: Any, key: str, *, strict: bool = True) -> Identity:
    """What tells an item from the others. Without ``strict`` an item may lack its merge key."""
    if key:
        if not isinstance(item, dict) or (key not in item and strict):
            raise malformed(f"map does not contain declared merge key: {key}")
        item = item.get(key)
    if isinstance(item, (dict, list)):
        raise malformed("a list item cannot be told from others by an object or a list")
    return isinstance(item, bool), item


def arrange(
    merged: Sequence[Any], wanted: Sequence[Any], server: Sequence[Any], key: str
) -> list[Any]:
    """Order ``merged`` by ``wanted``, and put in the rest by its place in ``server``.

    The rest comes before the first wanted item that stood behind it on the server, and otherwise
    follows: the relative orders of both hold.
    """
    wanted_at = _places(wanted, key)
    server_at = _places(server, key)
    keyed = [(identity(item, key), item) for item in merged]
    told = sorted((k for k in keyed if k[0] in wanted_at), key=lambda k: wanted_at[k[0]])
    rest = [k for k in keyed if k[0] not in wanted_at]
    rest.sort(key=lambda k: server_at.get(k[0], len(server)))
    result = []
    waiting = iter(rest)
    other = next(waiting, None)
    for named in told:
        at = server_at.get(named[0])
        while other is not None and at is not None and server_at.get(other[0], at) < at:
            result.append(other[1])
            other = next(waiting, None)
        result.append(named[1])
    if other is not None:
        result += [other[1], *(item for _, item in waiting)]
    return result


def check_subsequence(items: Sequence[Any], order: Sequence[Any], key: str) -> None:
    """Raise StatusError 400 unless ``items`` appear in ``order``, in the same order."""
    if not order:
        return
    following = iter(identity(item, key) for item in order)
    for item in items:
        wanted = identity(item, key)
        if not any(candidate == wanted for candidate in following):
            raise malformed("The order in patch list doesn't match $setElementOrder list")


def _places(items: Sequence[Any], key: str) -> dict[Identity, int]:
    places: dict[Identity, int] = {}
    for at, item in enumerate(items):
        places.setdefault(identity(item, key), at)
    return places
