"""The keys of the moment: the one that signs new tokens, and all whose tokens are believed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from strongroom.access.authn.keys import SigningKey, VerificationKey


class KeySet:
    """Never changed: other keys are another set. So what was verified by one is known by it."""

    def __init__(self, signing: SigningKey | None, keys: Sequence[VerificationKey]) -> None:
        own = [] if signing is None else [signing.public]
        self.signing = signing
        # What we sign now must be believed, whatever the files of public keys say.
        self.keys = tuple({key.id: key for key in (*keys, *own)}.values())
        self._by_id = {key.id: key for key in self.keys}

    def matching(self, key_id: str) -> Sequence[VerificationKey]:
        """The keys that may have signed a token: that of the id, or all for a token without."""
        if not key_id:
            return self.keys
        key = self._by_id.get(key_id)
        return () if key is None else (key,)


class Keys(Protocol):
    """Where the keys of the moment come from."""

    def current(self) -> KeySet:
        """The set, which may be a second out of date; the same object until it changes."""
        ...

    def newest(self) -> KeySet:
        """The set as of now."""
        ...
