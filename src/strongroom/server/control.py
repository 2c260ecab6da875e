"""What the keeper of the store and its workers say to each other besides the store's messages."""

from __future__ import annotations

import msgspec

Samples = list[tuple[str, dict[str, str], float]]


class Family(msgspec.Struct, array_like=True):
    """A metric with its samples, as one process counts it."""

    name: str
    documentation: str
    kind: str
    samples: Samples


class Ready(msgspec.Struct, array_like=True, tag=1):
    """A worker can serve."""


class Leaving(msgspec.Struct, array_like=True, tag=7):
    """A worker is about to end and should be given no more connections."""


class AuditLines(msgspec.Struct, array_like=True, tag=2):
    """Audit events of a worker, whole lines, for the log that only the keeper writes."""

    lines: bytes


class AuditSettle(msgspec.Struct, array_like=True, tag=8):
    """A worker asks whether all of its audit events so far have arrived where they are to go."""

    number: int


class WantTurn(msgspec.Struct, array_like=True, tag=3):
    """A worker asks for a turn: a lock by name that one worker holds at a time."""

    number: int
    name: str


class EndTurn(msgspec.Struct, array_like=True, tag=4):
    """A worker gives a turn back, or no longer waits for it."""

    number: int
    name: str


class WantMetrics(msgspec.Struct, array_like=True, tag=5):
    """A worker is asked for the metrics of all."""

    number: int


class Counted(msgspec.Struct, array_like=True, tag=6):
    """What a worker has counted."""

    number: int
    families: list[Family]


class Lead(msgspec.Struct, array_like=True, tag=11):
    """The worker is to do what one worker of a server does; see duties.py.

    ``office``: and what one server does for all that share its store, until another such message.
    """

    office: bool


class YourTurn(msgspec.Struct, array_like=True, tag=12):
    """The worker has the turn."""

    number: int


class NoTurn(msgspec.Struct, array_like=True, tag=17):
    """The worker does not get the turn now: other servers could not be asked whether it is free."""

    number: int


class Count(msgspec.Struct, array_like=True, tag=13):
    """The worker is to tell what it has counted."""

    number: int


class AuditSettled(msgspec.Struct, array_like=True, tag=16):
    """They have, or cannot at present."""

    number: int
    settled: bool


class MetricsPage(msgspec.Struct, array_like=True, tag=14):
    """The metrics of all, as Prometheus reads them."""

    number: int
    text: bytes


class OthersLines(msgspec.Struct, array_like=True, tag=15):
    """Audit events of other workers, for the one that leads, which holds them against rules."""

    lines: bytes


FromWorker = Ready | Leaving | AuditLines | AuditSettle | WantTurn | EndTurn | WantMetrics | Counted
FromKeeper = Lead | AuditSettled | YourTurn | NoTurn | Count | MetricsPage | OthersLines

encode = msgspec.msgpack.Encoder().encode
from_worker = msgspec.msgpack.Decoder(FromWorker).decode
from_keeper = msgspec.msgpack.Decoder(FromKeeper).decode
