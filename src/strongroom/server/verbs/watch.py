"""watch: the changes of what a list would show, as they happen."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any, cast

from strongroom.api.errors import StatusError, bad_request
from strongroom.api.protobuf import MEDIA_TYPE as PROTOBUF
from strongroom.api.selectors import FieldRequirement, FieldSelector, LabelSelector
from strongroom.registry.encode import EventEncoder
from strongroom.registry.encode_protobuf import FrameEncoder
from strongroom.registry.events import WatchEvent
from strongroom.registry.options import WatchOptions
from strongroom.server.call import Call, integer
from strongroom.server.encode import table_encoder
from strongroom.server.negotiation import WATCH_SHAPES, check_stream
from strongroom.server.urls import Target, flag
from strongroom.server.verbs.verb import Events, Verb

MIN_SECONDS = 1800
"""A watch without ``timeoutSeconds`` ends after half an hour to an hour, as upstream: not all at
once, so that clients do not come back all at once."""

PIECE = 256 * 1024
"""Bytes of events that are made ready at once for one client."""

Batches = AsyncIterator[list[WatchEvent[Any]]]


def watch_options(call: Call) -> WatchOptions:
    """What the query asks for. Raises StatusError 400 for what cannot be read."""
    target, query = call.target, call.query
    seconds = integer(query, "timeoutSeconds")
    initial = "sendInitialEvents"
    return WatchOptions(
        label_selector=LabelSelector.parse(target.first("labelSelector")),
        field_selector=_fields(target),
        resource_version=target.first("resourceVersion"),
        resource_version_match=target.first("resourceVersionMatch"),
        send_initial_events=flag(query, initial) if initial in query else None,
        allow_bookmarks=flag(query, "allowWatchBookmarks"),
        timeout_seconds=seconds if seconds and seconds > 0 else _some_time(),
        continue_token=target.first("continue"),
    )


def _fields(target: Target) -> FieldSelector:
    """The field selector. Raises StatusError 400 for one that is not about the name in the path.

    On the legacy path /watch/…/NAME the right to watch was asked for NAME alone, so nothing else
    may be shown, whatever is selected (``k8s.io/apiserver/pkg/endpoints/handlers/get.go``).
    """
    selector = FieldSelector.parse(target.first("fieldSelector"))
    if not target.name:
        return selector
    if selector.empty:
        return FieldSelector((FieldRequirement("metadata.name", target.name),))
    if selector.requires_exact("metadata.name") != target.name:
        raise bad_request("fieldSelector metadata.name doesn't match requested name")
    return selector


def _some_time() -> float:
    # Spreads load; nobody gains by guessing it.
    return MIN_SECONDS * (1 + random.random())  # noqa: S311 - no secret depends on it


async def run(call: Call) -> Events:
    """Begin the watch; what fails later is told within the stream. Raises StatusError 406."""
    check_stream(call.form)
    encoder = _encoder(call)
    batches = call.registry.watch(call.context(), call.target.namespace, watch_options(call))
    return Events(_lines(encoder, batches))


def _encoder(call: Call) -> EventEncoder | FrameEncoder:
    if call.form.media_type == PROTOBUF:
        return FrameEncoder(call.resource, partial=call.form.version if call.form.shape else "")
    match call.form.shape:
        case "Table":
            return EventEncoder(call.resource, table=table_encoder(call))
        case "PartialObjectMetadata":
            return EventEncoder(call.resource, partial=call.form.version)
        case _:
            return EventEncoder(call.resource)


async def _lines(
    encoder: EventEncoder | FrameEncoder, batches: Batches
) -> AsyncGenerator[bytes, None]:
    # The registry's iterators are generators: closing them at once frees their subscription.
    generator = cast("AsyncGenerator[list[WatchEvent[Any]], None]", batches)
    async with aclosing(generator):
        try:
            async for batch in generator:
                for piece in pieces(batch):
                    yield encoder.lines(piece)
                batch = []  # noqa: PLW2901 - lets go of what is sent while waiting for what comes
        except StatusError as error:
            yield encoder.error(error)


def pieces(batch: list[WatchEvent[Any]]) -> Iterator[list[WatchEvent[Any]]]:
    """A batch in its order, in pieces of about ``PIECE`` bytes, an event at least.

    The initial events of a watch are a whole list. Its objects are shared, its lines are not: each
    client that reads slowly would hold a copy of everything.
    """
    piece: list[WatchEvent[Any]] = []
    size = 0
    for event in batch:
        piece.append(event)
        size += len(event.view.wire) if event.view is not None else 0
        if size >= PIECE:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


VERB = Verb(run, shapes=WATCH_SHAPES)
