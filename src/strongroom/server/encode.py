"""The last stage: an outcome becomes the bytes of an answer, in the form that was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from strongroom.api.protobuf import MEDIA_TYPE as PROTOBUF
from strongroom.registry import encode_protobuf as messages
from strongroom.registry.encode import TableEncoder, listed, partial, partial_list
from strongroom.registry.reading import ListResult
from strongroom.registry.view import AnyView
from strongroom.server.call import Call
from strongroom.server.negotiation import JSON, YAML, Form, yaml_of
from strongroom.server.reply import Reply, StreamReply
from strongroom.server.urls import flag
from strongroom.server.verbs.verb import Done, Events, ManyObjects, OneObject, Outcome

_BROWSERS = ("curl", "Wget", "Mozilla/5.0")
"""Programs behind which a person reads: they get indented JSON unless they say otherwise."""


_PIECE = 100
"""Objects of a list that are written in protobuf before others have their turn: a few
milliseconds."""


async def encode(call: Call, outcome: Outcome) -> Reply | StreamReply:
    """The answer of a verb. Raises StatusError for a Table that cannot be made as asked."""
    match outcome:
        case StreamReply():
            return outcome
        case Events():
            return StreamReply(outcome.lines, watch_content_type(call.form))
        case _ if call.form.media_type == PROTOBUF:
            return await _in_protobuf(call, outcome)
        case OneObject():
            return _reply(call, _one(call, outcome), outcome.status)
        case ManyObjects():
            return _reply(call, _many(call, outcome), 200)
        case Done():
            return _reply(call, msgspec.json.encode(outcome.status) + b"\n", outcome.code)


def as_json(call: Call, outcome: Outcome) -> bytes:
    """What is answered, in its shape but as JSON; b"" for a stream. Raises as ``encode``."""
    match outcome:
        case OneObject():
            return _one(call, outcome)
        case ManyObjects():
            return _many(call, outcome)
        case Done():
            return msgspec.json.encode(outcome.status)
        case _:
            return b""


def watch_content_type(form: Form) -> str:
    """Of the stream; a shape is told back, as clients wait for it."""
    if form.media_type == PROTOBUF:
        return f"{PROTOBUF};stream=watch"
    if not form.shape:
        return JSON
    return f"{JSON};as={form.shape};g=meta.k8s.io;v={form.version}"


async def _in_protobuf(call: Call, outcome: OneObject | ManyObjects | Done) -> Reply:
    form = call.form
    match outcome:
        case Done():
            return Reply(messages.status_message(outcome.status), outcome.code, PROTOBUF)
        case OneObject() if form.shape:
            body = messages.partial_message(outcome.view, form.version)
            return Reply(body, outcome.status, PROTOBUF)
        case OneObject():
            body = messages.object_message(call.shown, outcome.view)
            return Reply(body, outcome.status, PROTOBUF)
        case ManyObjects(result) if form.shape:
            items = await _items(result, messages.partial_item)
            return Reply(messages.partial_list_message(result, items, form.version), 200, PROTOBUF)
        case ManyObjects(result):
            items = await _items(result, lambda view: view.message)
            return Reply(messages.list_message(call.resource, result, items), 200, PROTOBUF)


async def _items(result: ListResult[Any], make: Callable[[AnyView], bytes]) -> list[bytes]:
    """The items of a list; others have their turn in between, as each may be made just now."""
    items: list[bytes] = []
    for start in range(0, len(result.items), _PIECE):
        if start:
            await asyncio.sleep(0)
        items += map(make, result.items[start : start + _PIECE])
    return items


def table_encoder(call: Call) -> TableEncoder:
    """The Table of the call's kind. Raises StatusError 400 for an unknown ``includeObject``."""
    include = call.target.first("includeObject") or "Metadata"
    return TableEncoder(call.shown, include, call.form.version)


def _one(call: Call, outcome: OneObject) -> bytes:
    view = outcome.view
    match call.form.shape:
        case "Table":
            return table_encoder(call).one(view, call.request.received) + b"\n"
        case "PartialObjectMetadata":
            return partial(view, call.form.version) + b"\n"
        case _:
            return view.wire + b"\n"


def _many(call: Call, outcome: ManyObjects) -> bytes:
    match call.form.shape:
        case "Table":
            return table_encoder(call).many(outcome.result, call.request.received)
        case "PartialObjectMetadataList":
            return partial_list(outcome.result, call.form.version)
        case _:
            return listed(call.resource, outcome.result)


def _reply(call: Call, body: bytes, status: int) -> Reply:
    if call.form.media_type == YAML:
        return Reply(yaml_of(body), status, YAML)
    if _indented(call):
        body = msgspec.json.format(body, indent=2) + b"\n"
    return Reply(body, status)


def _indented(call: Call) -> bool:
    """``pretty`` as asked for; else for programs behind which people sit."""
    if "pretty" in call.query:
        return flag(call.query, "pretty")
    return call.request.headers.get("user-agent", "").startswith(_BROWSERS)
