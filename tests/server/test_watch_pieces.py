"""A watch makes ready no more at once than a client can take."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from strongroom.registry.events import WatchEvent
from strongroom.server.verbs.watch import PIECE, pieces

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _event(size: int) -> WatchEvent[Any]:
    view: Any = SimpleNamespace(wire=bytes(size))
    return WatchEvent("ADDED", view, 1, NOW)


def test_many_objects_go_out_in_pieces_in_their_order() -> None:
    batch = [_event(PIECE // 4 + 1) for _ in range(9)]
    batch.append(WatchEvent("BOOKMARK", None, 1, NOW))
    cut = list(pieces(batch))
    assert [len(piece) for piece in cut] == [4, 4, 2]
    assert [id(event) for piece in cut for event in piece] == [id(event) for event in batch]


def test_a_large_object_is_a_piece_of_its_own() -> None:
    assert [len(piece) for piece in pieces([_event(PIECE * 3), _event(1), _event(1)])] == [1, 2]


def test_a_batch_without_events_gives_nothing() -> None:
    assert list(pieces([])) == []
