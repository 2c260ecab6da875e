"""The chain of an audit log: what makes its lines provable, for the server and for `audit verify`.

Each line bears a link as its last annotation::

    "chain.strongroom.io/link":"SEQ.PREVIOUS.MAC"}}

SEQ counts the lines, PREVIOUS is the MAC of the line before, and MAC is made with the key over all
of the line that stands before it. So a line is proved by itself (nobody else can make or change
one), and a lost, doubled or moved line by its neighbours. What was last written, and up to where
old files were removed, is in the head, a small file beside the key: it tells of a cut at the end.

MACs are HMAC-SHA256, cut to 128 bits: who guesses has to ask the holder of the key, not a computer.
The key is made once, in a file of its own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import stat
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from strongroom.api.audit import LINK, LOST

START = "0" * 32
"""What stands for the MAC of the line before the first."""

_LINK = re.compile(
    rb'"%b":"([0-9]{1,18})\.([0-9a-f]{32})\.([0-9a-f]{32})"}}\n\Z' % re.escape(LINK.encode())
)
_PLACE = b'%%b"%b":"%%d.%%b.' % LINK.encode()
_AFTER_MAC = len(b'"}}\n')
_MAC = 32
_LONGEST = 128
"""More than a link is long: only the end of a line is searched."""

_HEADER = "strongroom audit chain key, version 1"
_KEY_SIZE = 32
_MAX_FILE = 4096
_HEAD = "strongroom audit head 1"
_HEAD_SIZE = 160


class ChainError(Exception):
    """The key or the head of a chain cannot be used; the text says why, and names the file."""

    holds_no_payload = True


@dataclass(frozen=True, slots=True)
class Link:
    """The place of one line."""

    sequence: int
    previous: str
    mac: str


def link_of(line: bytes) -> Link | None:
    """What a whole line says of its place, true or not; None if it says nothing."""
    found = _LINK.search(line, max(0, len(line) - _LONGEST))
    if found is None:
        return None
    sequence, previous, mac = found.groups()
    return Link(int(sequence), previous.decode(), mac.decode())


class ChainKey:
    """Makes and judges MACs. Its repr tells the id, which names the key and tells nothing of it."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_SIZE:
            raise ValueError("a chain key has 32 bytes")
        # HMAC by hand: both keyed beginnings are hashed once, not for each line.
        block = key.ljust(hashlib.sha256().block_size, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
        self.id = self.mac(_HEADER.encode())[:16]

    def __repr__(self) -> str:
        return f"ChainKey({self.id})"

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a key and its file (0600), which must not exist. Raises OSError."""
        key = secrets.token_bytes(_KEY_SIZE)
        made = cls(key)
        text = f"{_HEADER}\nid: {made.id}\nkey: {base64.b64encode(key).decode()}\n"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(descriptor)
        return made

    @classmethod
    def load(cls, path: Path) -> Self:
        """The key of a file that only its owner may read. Raises ChainError, OSError."""
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode) or facts.st_mode & 0o077:
                raise ChainError(f"{path}: others may read this key; close it with chmod 600")
            text = file.read(_MAX_FILE).decode("ascii", "replace")
        lines = text.splitlines()
        damaged = ChainError(f"{path} is damaged: restore it, or move it away to begin anew")
        if len(lines) != 3 or lines[0] != _HEADER:
            raise damaged
        try:
            made = cls(base64.b64decode(lines[2].removeprefix("key: "), validate=True))
        except (binascii.Error, ValueError):
            raise damaged from None
        if lines[1] != f"id: {made.id}":
            raise damaged
        return made

    def mac(self, content: bytes) -> str:
        """The MAC, in hex."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(content)
        outer.update(inner.digest())
        return outer.hexdigest()[:_MAC]

    def proves(self, line: bytes, link: Link) -> bool:
        """Whether this key made the line as it stands, with this link."""
        made = self.mac(line[: -_MAC - _AFTER_MAC])
        return hmac.compare_digest(made, link.mac)


class Chain:
    """Links lines, one after the other, from where it stands."""

    def __init__(self, key: ChainKey, sequence: int = 0, mac: str = START) -> None:
        self._key = key
        self.sequence = sequence
        """Lines that have been linked."""
        self.mac = mac
        """The MAC of the last of them."""

    def link(self, line: bytes, lost: int = 0) -> bytes:
        """The line with its link. ``line`` is a whole event: a JSON object, and a newline.

        Events end with their annotations, if they have any, and else with no object.
        """
        sequence = self.sequence = self.sequence + 1
        head = _PLACE % (_beginning(line, lost), sequence, self.mac.encode())
        mac = self.mac = self._key.mac(head)
        return b'%b%b"}}\n' % (head, mac.encode())

    def follow(self, line: bytes) -> bool:
        """Go on behind a line that is proved to be the next one; tells whether it is."""
        link = link_of(line)
        if link is None or link.sequence != self.sequence + 1 or link.previous != self.mac:
            return False
        if not self._key.proves(line, link):
            return False
        self.sequence, self.mac = link.sequence, link.mac
        return True


@dataclass(frozen=True, slots=True)
class Head:
    """What was written last. Lines up to ``floor`` were removed with the oldest files.

    ``boot`` names the run of the machine in which this was so: after another one, missing lines may
    have been lost with its memory.
    """

    sequence: int
    mac: str
    floor: int
    boot: str


def _beginning(line: bytes, lost: int) -> bytes:
    """The event up to where one more annotation may stand."""
    if line.endswith(b'"}}\n') and not lost:
        return line[:-3] + b","
    start = line[:-3] if line.endswith(b"}}\n") else line[:-2] + b',"annotations":{'
    if not start.endswith(b"{"):
        start += b","
    return start + b'"%b":"%d",' % (LOST.encode(), lost) if lost else start


class HeadFile:
    """Keeps the head on file, at the cost of one small write; from any thread.

    It is written behind the lines that it tells of. So a server that is killed leaves a head that
    is true or behind, never ahead.
    """

    def __init__(self, path: Path, last: Head | None = None) -> None:
        """``last`` is what the file says now. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._lock = threading.Lock()
        self._boot = boot_id()
        self._sequence, self._mac = (last.sequence, last.mac) if last else (0, START)
        self._floor = last.floor if last else 0

    def write(self, sequence: int, mac: str) -> None:
        """Tell of the last line. Raises OSError."""
        with self._lock:
            self._sequence, self._mac = sequence, mac
            self._put()

    def write_floor(self, floor: int) -> None:
        """Tell of lines that are about to be removed. Raises OSError."""
        with self._lock:
            self._floor = floor
            self._put()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _put(self) -> None:
        text = f"{_HEAD} {self._sequence} {self._mac} {self._floor} {self._boot}"
        os.pwrite(self._file, f"{text:<{_HEAD_SIZE - 1}}\n".encode(), 0)


def read_head(path: Path) -> Head | None:
    """The head of a file; None if there is none. Raises ChainError, OSError."""
    try:
        text = path.read_bytes()[:_HEAD_SIZE].decode("ascii", "replace")
    except FileNotFoundError:
        return None
    if not text:
        return None  # The first start was cut off before the first line.
    words = text.removeprefix(_HEAD).split()
    wrong = not text.startswith(f"{_HEAD} ") or len(words) != 4 or len(words[1]) != _MAC
    if wrong or not (words[0].isdecimal() and words[2].isdecimal()):
        raise ChainError(f"{path} is damaged: it does not tell where the log ends")
    return Head(int(words[0]), words[1], int(words[2]), words[3])


def boot_id() -> str:
    """Names this run of the machine; ``-`` where the system does not."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "-"


def chain_key_file(encryption_key_file: Path) -> Path:
    """Where the key of the chain is when nobody says otherwise: beside the encryption key."""
    return encryption_key_file.with_suffix(".audit.key")


def head_file(key_file: Path) -> Path:
    """Where the head is: beside the key, where who may write the log may write nothing."""
    return key_file.with_suffix(".head")
