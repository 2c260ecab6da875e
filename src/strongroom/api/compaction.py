"""What ``strongroom compact`` asks for, and what the server answers."""

from __future__ import annotations

import msgspec

PATH = "/strongroom/v1alpha1/compact"
"""Where a server is asked by POST."""


class File(msgspec.Struct, frozen=True):
    """A file, or a member of a cluster: its size in bytes before and afterwards."""

    where: str
    before: int
    after: int


class Compacted(msgspec.Struct, frozen=True):
    """What was done. Nothing from before ``revision`` is kept, but what is current."""

    revision: int
    files: list[File]
