"""Where the servers that share a store tell of each other, apart from all that is kept in it."""

from __future__ import annotations

SERVERS = "~strongroom/"
"""Begins these keys: behind all others, in no list of everything and in no backup."""

UP = f"{SERVERS}up/"
"""Begins a key for each server, whose value is its URL, as long as it is there."""
