"""What stands for a value on a screen: enough to tell two apart, nothing to find it by."""

from __future__ import annotations

import hashlib
import hmac
import secrets

_SHOWN = 8
"""Hexadecimal digits: two values of one screen look alike once in four thousand million times."""


class Fingerprints:
    """Fingerprints of one invocation: the same value has the same one, until the process ends.

    The key is random and never leaves the process. A plain hash could be looked up, or tried
    against guesses, by whoever sees the screen or the log of a build; this one cannot.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def of(self, value: bytes) -> str:
        """Eight hexadecimal digits that stand for this value here."""
        return hmac.new(self._key, value, hashlib.sha256).hexdigest()[:_SHOWN]
