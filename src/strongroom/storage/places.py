"""Where the servers that share a store keep what is theirs, apart from all else in it."""

from __future__ import annotations

SERVERS = "~strongroom/"
"""Begins these keys: behind all others, in no list of everything and in no backup."""

UP = f"{SERVERS}up/"
"""Begins a key for each server, whose value is its URL, as long as it is there."""

AUTHORITIES = "/strongroom/pki/authorities"
"""Key of the certificate authority and of what signs tokens, encrypted. It is in no backup either,
as ``DIR/pki`` is not: who may read everything may not make themselves anybody by that."""
