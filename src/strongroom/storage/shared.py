"""The store's revision in a page of memory that several processes share.

The process that has the store writes it, before anybody can learn of the revision in any other
way: before its events go out, before the write is acknowledged, before a read that shows it is
answered. So whoever reads the page sees at least every revision that anybody has heard of, and
that costs no message.
"""

from __future__ import annotations

import mmap
import os

_SIZE = mmap.PAGESIZE


class SharedRevision:
    """The page. ``fd`` is what another process inherits to ``attach`` to it."""

    def __init__(self, fd: int, *, writable: bool) -> None:
        self.fd = fd
        access = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        self._page = mmap.mmap(fd, _SIZE, flags=mmap.MAP_SHARED, prot=access)
        # One aligned machine word, which is read and written whole.
        self._word = memoryview(self._page).cast("Q")

    @classmethod
    def create(cls, revision: int) -> SharedRevision:
        """A new page, in memory only."""
        fd = os.memfd_create("strongroom-revision")
        os.ftruncate(fd, _SIZE)
        page = cls(fd, writable=True)
        page.advance(revision)
        return page

    @classmethod
    def attach(cls, fd: int) -> SharedRevision:
        """The page of another process, to be read only."""
        return cls(fd, writable=False)

    @property
    def value(self) -> int:
        """The newest revision that anybody may have heard of."""
        return self._word[0]

    def advance(self, revision: int) -> None:
        """Set the revision; it never goes back."""
        if revision > self._word[0]:
            self._word[0] = revision

    def close(self) -> None:
        """Give the page back; closing twice is allowed."""
        if self.fd >= 0:
            self._word.release()
            self._page.close()
            os.close(self.fd)
            self.fd = -1
