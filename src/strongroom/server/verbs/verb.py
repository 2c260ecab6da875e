"""What a verb is, and what its outcome may be."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from strongroom.api.errors import Status
from strongroom.registry.reading import ListResult
from strongroom.registry.view import View
from strongroom.server.call import Call
from strongroom.server.negotiation import NO_SHAPES
from strongroom.server.reply import StreamReply


@dataclass(slots=True)
class OneObject:
    """An object, with the HTTP status to answer."""

    view: View[Any]
    status: int = 200


@dataclass(frozen=True, slots=True)
class ManyObjects:
    """A list."""

    result: ListResult[Any]


@dataclass(frozen=True, slots=True)
class Events:
    """Watch events, as lines that are ready to send."""

    lines: AsyncGenerator[bytes, None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Done:
    """No object to show, but that it was done; ``code`` is the HTTP status to answer."""

    status: Status
    code: int = 200


Outcome = OneObject | ManyObjects | Events | Done | StreamReply


async def no_body(call: Call) -> None:
    """For verbs that have no body: whatever is sent stays unread."""


@dataclass(frozen=True, slots=True)
class Verb:
    """``decode`` leaves the body in ``call.body``; ``run`` makes the outcome; both may refuse.

    ``shapes`` are what answers can be turned into (Table and so on) for those who ask; without
    ``negotiated`` the answer has one form, whatever the client accepts.
    """

    run: Callable[[Call], Awaitable[Outcome]]
    decode: Callable[[Call], Awaitable[None]] = no_body
    shapes: frozenset[str] = NO_SHAPES
    negotiated: bool = True
