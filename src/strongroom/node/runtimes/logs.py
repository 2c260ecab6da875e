"""A container's output as a CRI log: written as it arrives, bounded, read and followed by event.

    2026-11-22T01:02:03.000000000Z stdout F a whole line
    2026-11-22T01:02:03.000000000Z stdout P a part of a line (more follows, or the output ended)

The file is on the node's private tmpfs: what pods print never reaches a disk. At `max_bytes` the
file is renamed to `NAME.1` (replacing the one before) and a new one begins. Writer and readers
live in one event loop; a reader sleeps until the writer wakes it.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from strongroom.node.runtimes.port import LogOptions

_MAX_LINE = 16 * 1024
_CHUNK = 64 * 1024


def timestamp(nanoseconds: int) -> bytes:
    """Nanoseconds since the epoch as CRI writes them; such stamps sort as text."""
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{fraction:09d}Z".encode()


class ContainerLog:
    """The log of one container. `feed` and `close` are the writer's, `read` is for anyone."""

    def __init__(self, path: Path, *, max_bytes: int = 10 * 1024 * 1024) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._file = path.open("ab", buffering=0)
        self._size = 0
        self._generation = 0
        self._partial = {"stdout": b"", "stderr": b""}
        self._changed = asyncio.Event()
        self._closed = False

    def feed(self, stream: str, data: bytes) -> None:
        """Append what a container wrote; a line is kept back until it's whole or too long."""
        head = b"%s %s " % (timestamp(time.time_ns()), stream.encode())
        *lines, rest = (self._partial[stream] + data).split(b"\n")
        if max(map(len, lines), default=0) <= _MAX_LINE:
            # The usual case at C speed: a container may print without end.
            entry = head + b"F "
            entries = entry + (b"\n" + entry).join(lines) + b"\n" if lines else b""
        else:
            pairs = [_parts(head, line) for line in lines]
            entries = b"".join(b"%s%sF %s\n" % (parts, head, end) for parts, end in pairs)
        parts, self._partial[stream] = _parts(head, rest)
        self._append(entries + parts)

    def close(self) -> None:
        """The container is gone: write what it left unfinished and release every follower."""
        if self._closed:
            return
        now = timestamp(time.time_ns())
        unfinished = [(stream, rest) for stream, rest in self._partial.items() if rest]
        self._append(b"".join(b"%s %s P %s\n" % (now, s.encode(), rest) for s, rest in unfinished))
        self._closed = True
        self._file.close()
        self._wake()

    def delete(self) -> None:
        """Remove the files; readers that have them open still finish."""
        self.close()
        for path in (self._path, self._rotated):
            path.unlink(missing_ok=True)

    def read(self, options: LogOptions) -> AsyncIterator[bytes]:
        """The log by `options`, in chunks of whole entries (or cut at `limit_bytes`)."""
        return self._limited(options) if options.limit_bytes is not None else self._chunks(options)

    def tail(self, *, lines: int, max_bytes: int) -> bytes:
        """The last output, as a termination message takes it: at most so many lines and bytes."""
        rows = self._rows(LogOptions(tail_lines=lines))
        return b"".join(rows)[-max_bytes:]

    @property
    def _rotated(self) -> Path:
        return self._path.with_name(self._path.name + ".1")

    def _append(self, entries: bytes) -> None:
        """Write whole entries, all into one file: only one write can make it exceed its bound."""
        if not entries:
            return
        try:
            if self._size and self._size + len(entries) > self._max_bytes:
                self._rotate()
            self._size += self._file.write(entries) or 0
        except (OSError, ValueError):
            # The tmpfs is full (or was, when a new file was due: the old one is closed then).
            # The container's output is lost from here on, the node lives.
            return
        self._wake()

    def _rotate(self) -> None:
        self._file.close()
        self._path.replace(self._rotated)
        self._file = self._path.open("ab", buffering=0)
        self._size = 0
        self._generation += 1

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _limited(self, options: LogOptions) -> AsyncIterator[bytes]:
        left = options.limit_bytes or 0
        if left <= 0:
            return
        async for chunk in self._chunks(options):
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return

    async def _chunks(self, options: LogOptions) -> AsyncIterator[bytes]:
        generation, offset = self._begin(options.tail_lines)
        form = _Form(options)
        while True:
            changed = self._changed
            file = self._open(generation)
            if file is not None:
                with file:
                    file.seek(offset)
                    while block := file.readlines(_CHUNK):
                        offset = file.tell()
                        if chunk := b"".join(map(form.row, block)):
                            yield chunk
                        # A long log must not hold up the event loop.
                        await asyncio.sleep(0)
            if generation < self._generation:
                # Renamed while it was read or slept on: finish it, then go on with the next.
                if file is None or self._at_end(generation, offset):
                    generation, offset = max(generation + 1, self._generation - 1), 0
            elif self._closed or not options.follow:
                if self._at_end(generation, offset) or not options.follow:
                    return
            elif changed is self._changed:
                await changed.wait()

    def _at_end(self, generation: int, offset: int) -> bool:
        path = self._path_of(generation)
        return path is None or not path.exists() or path.stat().st_size <= offset

    def _path_of(self, generation: int) -> Path | None:
        return {0: self._path, 1: self._rotated}.get(self._generation - generation)

    def _open(self, generation: int) -> BinaryIO | None:
        path = self._path_of(generation)
        try:
            return None if path is None else path.open("rb")
        except FileNotFoundError:
            return None

    def _begin(self, tail: int | None) -> tuple[int, int]:
        """The generation and offset where reading starts."""
        oldest = max(self._generation - 1, 0)
        if tail is None:
            return oldest, 0
        for generation in range(self._generation, oldest - 1, -1):
            file = self._open(generation)
            if file is None:
                continue
            with file:
                offset, found = _tail_offset(file, tail)
            if found >= tail:
                return generation, offset
            tail -= found
        return oldest, 0

    def _rows(self, options: LogOptions) -> Iterator[bytes]:
        form = _Form(options)
        generation, offset = self._begin(options.tail_lines)
        for number in range(generation, self._generation + 1):
            if file := self._open(number):
                with file:
                    file.seek(offset)
                    yield from map(form.row, file)
            offset = 0


def _parts(head: bytes, line: bytes) -> tuple[bytes, bytes]:
    """What of a line is too long, as entries of parts, and the end that fits."""
    entries = []
    while len(line) > _MAX_LINE:
        entries.append(b"%sP %s\n" % (head, line[:_MAX_LINE]))
        line = line[_MAX_LINE:]
    return b"".join(entries), line


class _Form:
    """Turns CRI entries into the bytes that a reader asked for."""

    def __init__(self, options: LogOptions) -> None:
        since = options.since_time
        if since is None and options.since_seconds is not None:
            since = datetime.now(UTC) - timedelta(seconds=options.since_seconds)
        self._since = b"" if since is None else _stamp_of(since)
        self._stream = options.stream.encode() if options.stream else None
        self._timestamps = options.timestamps
        self._at_line_start = {b"stdout": True, b"stderr": True}

    def row(self, entry: bytes) -> bytes:
        """The entry as output; nothing where a filter leaves it out or a crash cut it."""
        parts = entry.rstrip(b"\n").split(b" ", 3)
        if len(parts) != 4 or parts[0] < self._since:
            return b""
        stamp, stream, tag, text = parts
        if self._stream not in (None, stream):
            return b""
        head = stamp + b" " if self._timestamps and self._at_line_start.get(stream) else b""
        whole = tag == b"F"
        self._at_line_start[stream] = whole
        return head + text + (b"\n" if whole else b"")


def _stamp_of(moment: datetime) -> bytes:
    seconds = int(moment.timestamp() // 1)
    return timestamp(seconds * 1_000_000_000 + moment.microsecond * 1000)


def _tail_offset(file: BinaryIO, lines: int) -> tuple[int, int]:
    """Where the last `lines` entries start, and how many there are (fewer in a short file)."""
    position = file.seek(0, os.SEEK_END)
    if lines <= 0:
        return position, 0
    found = 0
    end = position
    while position > 0:
        start = max(0, position - _CHUNK)
        file.seek(start)
        block = file.read(position - start)
        at = len(block)
        # The newline that ends the last entry doesn't separate it from a further one.
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            if start + at + 1 == end:
                continue
            found += 1
            if found == lines:
                return start + at + 1, found
        position = start
    return 0, found + (1 if end else 0)
