"""Headers that say who somebody is: how repeated ones are kept, and how their names are decoded."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

BETWEEN = "\0"
"""What repeated headers that say who somebody is are joined by: no value contains it."""

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def unescape(key: str) -> str:
    """The key with its percent signs decoded; one that is not well-formed stays as it is."""
    if _BROKEN_ESCAPE.search(key):
        return key
    return unquote_to_bytes(key).decode(errors="replace")
