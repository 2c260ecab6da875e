"""A history that is told while it happens, line by line, by a process that may be killed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from tests.faults.history import NEVER, History, Kind, Outcome, Write


class Telling(History):
    """Tells of each write before it begins and after it ended, on a descriptor."""

    def __init__(self, descriptor: int, name: str) -> None:
        super().__init__()
        self._descriptor, self._name = descriptor, name
        self._numbers: dict[int, str] = {}

    def begun(self, write: Write) -> None:
        super().begun(write)
        number = self._numbers[id(write)] = f"{self._name}.{len(self.writes)}"
        asked = [write.client, write.kind.value, write.key, write.value, write.expected]
        self._tell([number, write.invoked, asked])

    def ended(self, write: Write) -> None:
        answer = [write.outcome.value, write.revision, write.found]
        self._tell([self._numbers.pop(id(write)), write.returned, answer])

    def _tell(self, line: list[object]) -> None:
        """In one write: it arrives whole or not at all."""
        os.write(self._descriptor, json.dumps(line).encode() + b"\n")


def heard(lines: Iterable[tuple[float | None, bytes]]) -> History:
    """The history that lines tell of; a time beside a line counts instead of the one in it."""
    history = History()
    writes: dict[str, Write] = {}
    for at, line in lines:
        number, time, what = json.loads(line)
        time = time if at is None else at
        if number not in writes:
            client, kind, key, value, expected = what
            write = Write(client, Kind(kind), key, value, expected, time)
            writes[number] = write
            history.writes.append(write)
        else:
            write = writes[number]
            outcome, write.revision, write.found = what
            write.outcome = Outcome(outcome)
            write.returned = NEVER if write.outcome is Outcome.UNKNOWN else time
    return history
