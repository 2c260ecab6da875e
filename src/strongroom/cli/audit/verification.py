"""Whether the lines of a log are those that the server wrote, all of them, in their order.

Who made a line is proved by its MAC, and its place by its number. So what is wrong can be told
apart: a line that proves nothing where one is missing was changed, and was inserted where none is;
numbers that are missing were removed, with their file if they stand between two; a proved line
behind its time was moved, and one that was there already is a copy. Memory does not grow with the
log, only with what is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from strongroom.api.audit import LINK, LOST
from strongroom.audit_chain import START, ChainKey, Head, Link, link_of
from strongroom.cli.audit.logs import Line

_MOST = 1000
"""Findings that are told one by one, bad lines that are remembered, and gaps that may be filled."""

_LOST = re.compile(
    rb'"%b":"([0-9]{1,18})","%b":"[^"]*"}}\n\Z'
    % (re.escape(LOST.encode()), re.escape(LINK.encode()))
)
"""What the server says right before the link. Elsewhere in an event it is somebody else's word."""

_LONGEST_END = 256
_STAMP = b'"stageTimestamp":"'


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: what was done, and where it shows."""

    kind: str
    text: str


@dataclass(slots=True)
class Report:
    """What was found. ``older`` are events from before the log was chained; ``lost`` those that
    the server could not write and says so itself."""

    events: int = 0
    files: int = 0
    first: int = 0
    last: int = 0
    since: str = ""
    until: str = ""
    older: int = 0
    lost: int = 0
    checkpoint: str = ""
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    """Findings beyond those that are told."""

    def find(self, kind: str, text: str) -> None:
        """Note what is wrong."""
        if len(self.findings) < _MOST:
            self.findings.append(Finding(kind, text))
        else:
            self.more += 1


class Verifier:
    """Takes the lines in their order, then the end."""

    def __init__(self, key: ChainKey, head: Head | None, anchors: dict[int, str]) -> None:
        """``head`` is what was written last when the first line was read, or before.

        ``anchors`` are MACs of events that were noted elsewhere, by their numbers.
        """
        self.report = Report()
        self._key = key
        self._anchors = dict(anchors)
        if head is not None and head.sequence:
            self._anchors.setdefault(head.sequence, head.mac)
        self._next = 0
        """The number that is expected; 0 as long as any may come."""
        self._mac: str | None = None
        self._file: Path | None = None
        self._good: Line | None = None
        self._bad: list[tuple[Line, Link | None]] = []
        self._more_bad = 0
        self._gaps: list[tuple[int, int, Finding]] = []
        if head is not None:
            self._next, self._mac = head.floor + 1, START if head.floor == 0 else None

    def take(self, line: Line) -> None:
        """The next line."""
        if line.file != self._file:
            self._file = line.file
            self.report.files += 1
        link = link_of(line.content)
        if link is None or not self._key.proves(line.content, link):
            if len(self._bad) < _MOST:
                self._bad.append((line, link))
            else:
                self._more_bad += 1
            return
        if link.sequence < self._next:
            self._behind(line, link)
        else:
            self._ahead(line, link)
        self._count(line, link)

    def damaged(self, file: Path) -> None:
        """A file could not be read to its end."""
        self.report.find("damaged", f"{file.name} cannot be read to its end")

    def finish(self, *, active: bool, floor: int) -> Report:
        """There is nothing more. ``active`` tells whether the file that is written to is there.

        ``floor`` is up to where the server itself had removed old events by now.
        """
        self._end(active=active)
        for start, end, finding in self._gaps:
            if end > floor:
                self.report.find(finding.kind, finding.text.format(_span(start, end)))
        return self.report

    def _ahead(self, line: Line, link: Link) -> None:
        """A proved line, the next one or one after others that are missing."""
        if self._next == 0:
            self._next = link.sequence
        missing = self._explain(link.sequence)
        if missing:
            self._gap(*missing, line)
        elif self._mac is not None and link.previous != self._mac:
            self.report.find(
                "forked",
                f"event {link.sequence} ({line.place}) follows another event than the one before "
                "it: the server went on from an earlier state",
            )
        self._next, self._mac, self._good = link.sequence + 1, link.mac, line
        if self._anchors.get(link.sequence, link.mac) != link.mac:
            self.report.find("forked", f"event {link.sequence} is another one than was noted")

    def _explain(self, upto: int) -> tuple[int, int] | tuple[()]:
        """Judge the bad lines before number ``upto``; the numbers that then are still missing."""
        bad, first = self._bad, self._next
        if first == 1 and self._good is None and all(link is None for _, link in bad):
            self.report.older += len(bad) + self._more_bad
            bad, self._more_bad = [], 0
        for one, link in bad:
            if first < upto:
                number = link.sequence if link and first <= link.sequence < upto else first
                if number > first:
                    self._gap(first, number - 1, one)
                self.report.find("edited", f"event {number} ({one.place}) was changed")
                first, self._mac = number + 1, None
            else:
                self.report.find("inserted", f"{one.place} is none of the server's")
        self.report.more += self._more_bad
        self._bad, self._more_bad = [], 0
        self._next = first
        return (first, upto - 1) if first < upto else ()

    def _gap(self, first: int, last: int, line: Line) -> None:
        before = self._good.place if self._good is not None else "the beginning"
        if self._good is None or self._good.file == line.file:
            kind, what = "removed", "{} missing"
        else:
            kind, what = "lost file", "{} missing: a file was removed, or the end of one"
        self._mac = None
        finding = Finding(kind, f"{what}, between {before} and {line.place}")
        if len(self._gaps) < _MOST:
            self._gaps.append((first, last, finding))
        else:
            self.report.more += 1

    def _behind(self, line: Line, link: Link) -> None:
        """A proved line whose number has passed."""
        for at, (first, last, finding) in enumerate(self._gaps):
            if first <= link.sequence <= last:
                rest = [(first, link.sequence - 1), (link.sequence + 1, last)]
                self._gaps[at : at + 1] = [(a, b, finding) for a, b in rest if a <= b]
                self.report.find("moved", f"event {link.sequence} ({line.place}) stood elsewhere")
                return
        self.report.find("inserted", f"{line.place} is a copy of event {link.sequence}")

    def _end(self, *, active: bool) -> None:
        if self._bad and not self._bad[-1][0].content.endswith(b"\n"):
            line, _ = self._bad.pop()
            self.report.notes.append(f"{line.place} is unfinished, as a killed server leaves it")
        if self._good is None and self._foreign():
            return
        missing = self._explain(max([*self._anchors, self._next - 1]) + 1)
        if missing:
            kind = "truncated" if active else "lost file"
            where = "at the end" if active else "at the end: the newest file is not there"
            self.report.find(kind, f"{_span(*missing)} missing {where}")

    def _foreign(self) -> bool:
        """Whether nothing of the log is of this key. It is told."""
        if not self._bad:
            return False
        if any(link is not None for _, link in self._bad):
            self.report.find("key", "none of the events was written with this key")
            return True
        if not self._anchors:
            self.report.older += len(self._bad) + self._more_bad
        return not self._anchors

    def _count(self, line: Line, link: Link) -> None:
        report = self.report
        report.events += 1
        if report.first == 0:
            report.first, report.since = link.sequence, _moment(line.content)
        if link.sequence > report.last:
            report.last, report.until = link.sequence, _moment(line.content)
            report.checkpoint = f"{link.sequence}:{link.mac}"
        content = line.content
        if lost := _LOST.search(content, max(0, len(content) - _LONGEST_END)):
            report.lost += int(lost[1])


def _span(first: int, last: int) -> str:
    return f"event {first} is" if first == last else f"events {first} to {last} are"


def _moment(content: bytes) -> str:
    at = content.rfind(_STAMP)
    return content[at + len(_STAMP) :].split(b'"', 1)[0].decode() if at >= 0 else ""
