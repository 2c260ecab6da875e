"""Picks the transformer of a value by where it is stored: each kind may be encrypted differently.

Storage keys are upstream's: ``/registry/secrets/…`` for kinds of Kubernetes, and
``/registry/GROUP/PLURAL/…`` for custom ones and those few whose storage prefix names their group.
"""

from __future__ import annotations

from collections.abc import Callable

from strongroom.storage.encryption.port import Plain, Transformer

_MOST_KNOWN = 4096
_SHARED = ("services",)
"""What two kinds are stored under: ``services/specs`` and ``services/endpoints``."""

Choose = Callable[[str], Transformer]
"""Gives the transformer for a section of the keys: ``secrets``, ``example.com/widgets``, or ""
for what is stored beside the objects."""


class TransformerByKind:
    """Asks ``choose`` once for each section of the keys; ``reset`` makes it ask again."""

    def __init__(self, choose: Choose, *, quick: bool = True) -> None:
        self._known: dict[str, Transformer] = {}
        self.reset(choose, quick=quick)

    def reset(self, choose: Choose, *, quick: bool = True) -> None:
        """Choose otherwise from now on. What is under way ends as it began.

        ``quick`` says that every transformer that can be chosen is.
        """
        self._choose, self._known, self._quick = choose, {}, quick

    @property
    def quick(self) -> bool:
        return self._quick

    def to_storage(self, value: bytes, *, context: bytes) -> bytes:
        return self._of(context).to_storage(value, context=context)

    def from_storage(self, value: bytes, *, context: bytes) -> Plain:
        return self._of(context).from_storage(value, context=context)

    def asks_to_read(self, value: bytes, *, context: bytes) -> bool:
        return self._of(context).asks_to_read(value, context=context)

    def asks_to_write(self, *, context: bytes) -> bool:
        return self._of(context).asks_to_write(context=context)

    def _of(self, context: bytes) -> Transformer:
        name = section(context.decode())
        known, choose = self._known, self._choose
        transformer = known.get(name)
        if transformer is None:
            if len(known) >= _MOST_KNOWN:
                known.clear()
            transformer = known[name] = choose(name)
        return transformer


def section(key: str) -> str:
    """The part of a storage key that says of which kind the object is."""
    _, root, *rest = key.split("/", 4)
    if root != "registry" or not rest:
        return ""
    return "/".join(rest[:2]) if "." in rest[0] or rest[0] in _SHARED else rest[0]
