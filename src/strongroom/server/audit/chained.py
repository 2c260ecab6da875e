"""The chain of the log as the server goes on with it: behind a restart, a kill, a power cut."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from strongroom.api.times import format_micro_time
from strongroom.audit_chain import (
    Chain,
    ChainError,
    ChainKey,
    Head,
    HeadFile,
    head_file,
    link_of,
    read_head,
)
from strongroom.audit_files import open_log
from strongroom.server.audit.rotation import Rotation
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

_MOMENT = re.compile(rb'"stageTimestamp":"([0-9T:.-]+Z)"')

_TAIL = 64 * 1024 * 1024
"""Most bytes of a log that are read for lines which the head does not tell of; as a rule, a few
kilobytes were written between the last line and the kill."""


class Chained:
    """Links lines, and keeps the head."""

    def __init__(self, key_file: Path, log_path: Path) -> None:
        """Begin or go on. Raises ChainError, OSError."""
        self._key = key = _key(key_file)
        head = _head(head_file(key_file))
        self._chain = Chain(key, head.sequence, head.mac) if head else Chain(key)
        _follow(self._chain, key, log_path, known=head is not None)
        self._head = HeadFile(head_file(key_file), head)
        self._mark = self._chain.sequence, self._chain.mac

    @property
    def sequence(self) -> int:
        """How many lines were ever linked."""
        return self._chain.sequence

    def link(self, lines: Sequence[bytes], lost: int) -> list[bytes]:
        """The lines with their links. They count from ``written`` on, or never."""
        first, *rest = lines
        chain = self._chain
        return [chain.link(first, lost), *(chain.link(line) for line in rest)]

    def written(self) -> None:
        """What was linked is in the log. Raises OSError."""
        self._mark = self._chain.sequence, self._chain.mac
        self._head.write(*self._mark)

    def failed(self) -> None:
        """What was linked is not in the log."""
        self._chain.sequence, self._chain.mac = self._mark

    def removing(
        self, gone: Sequence[Path], kept: Sequence[Path], rotation: Rotation, now: datetime
    ) -> None:
        """These files are about to be removed by the server itself: none will be missed.

        But for those of which the lines, which nobody else can make, do not say that it is time:
        who may write the directory may give files other names, put files there, and remove some.
        """
        ends = [end for end in map(self._end_of, gone) if end is not None]
        stays = {end[0] for end in map(self._end_of, kept if rotation.keep else ()) if end}
        oldest = format_micro_time(now - timedelta(days=rotation.max_age or 0))
        floor = 0
        for sequence, moment in ends:
            enough = sum(1 for other in stays if other > sequence) >= rotation.keep > 0
            if enough or (rotation.max_age and moment < oldest):
                floor = max(floor, sequence)
        if floor:
            self._head.write_floor(floor)

    def _end_of(self, path: Path) -> tuple[int, str] | None:
        """Number and moment of the last line of a file, if it is one of ours."""
        last = b""
        with contextlib.suppress(EOFError, zlib.error, OSError), open_log(path) as file:
            for line in file:
                last = line
        link = link_of(last)
        if link is None or not self._key.proves(last, link):
            return None
        # The last: a body before it may have a field of that name.
        moments = _MOMENT.findall(last)
        return link.sequence, moments[-1].decode() if moments else ""

    def close(self) -> None:
        """Let go of the head."""
        self._head.close()


def _key(path: Path) -> ChainKey:
    try:
        return ChainKey.load(path)
    except FileNotFoundError:
        return ChainKey.create(path)


def _head(path: Path) -> Head | None:
    try:
        return read_head(path)
    except ChainError as error:
        # The log itself tells as well; what was cut off it before now will be noticed no more.
        log(logger, logging.ERROR, "the head of the audit log's chain is lost", error)
        return None


def _follow(chain: Chain, key: ChainKey, path: Path, *, known: bool) -> None:
    """Go on behind what was written after the head, by a server that was killed."""
    lines = last_lines(path, chain.sequence if known else None)
    if not known and lines:
        # No head tells where the chain is: the last line does, if it is one of ours.
        link = link_of(lines[-1])
        if link is not None and key.proves(lines[-1], link):
            chain.sequence, chain.mac = link.sequence, link.mac
        return
    for line in lines:
        chain.follow(line)
    last = link_of(lines[-1]) if lines else None
    if chain.sequence and (last is None or last.sequence < chain.sequence):
        log(
            logger,
            logging.ERROR,
            "the audit log ends before its last event: see strongroom audit verify",
            expected=chain.sequence,
            found=last.sequence if last else 0,
        )


def last_lines(path: Path, after: int | None) -> list[bytes]:
    """The last lines, from the one with this number on (None: just the last). Raises OSError."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    try:
        size, span = os.fstat(file).st_size, 64 * 1024
        while True:
            start = max(0, size - span)
            lines = os.pread(file, size - start, start).splitlines(keepends=True)
            whole = lines if start == 0 else lines[1:]
            first = link_of(whole[0]) if whole else None
            enough = first is not None and (after is None or first.sequence <= after)
            if start == 0 or enough or span >= _TAIL:
                return whole
            span *= 4
    finally:
        os.close(file)
