"""What can be wrong with a snapshot file.

BadSnapshot
└── InUse     an etcd has the file open, and changes it
"""

from __future__ import annotations

from typing import ClassVar


class BadSnapshot(Exception):
    """The file is no snapshot of etcd, or damaged; the text says how, without what it holds."""

    holds_no_payload: ClassVar = True


class InUse(BadSnapshot):
    """A member of etcd has the file open."""
