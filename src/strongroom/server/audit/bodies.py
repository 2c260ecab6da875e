"""Bodies in audit events: what was sent, and what was answered, as JSON without values.

As upstream tells them (``pkg/audit/request.go``): an object as it was sent, before defaults and
admission; a patch as it is; what was answered in the form in which it was, a Table too. Events of
watches, logs and paths that are no resources have none, nor has what could not be decoded.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from strongroom.api import codec
from strongroom.api.custom import is_custom
from strongroom.api.jsontext import read_json
from strongroom.api.meta import DeleteOptions
from strongroom.api.patch import PatchType
from strongroom.api.schema import Struct
from strongroom.server.audit.marks import HIDE_TEXT, Node, node_of
from strongroom.server.audit.redaction import Redaction, without_managed_fields
from strongroom.server.call import Call
from strongroom.server.encode import as_json
from strongroom.server.verbs.verb import ManyObjects, OneObject, Outcome

_PIECE = 100
"""Objects of a list that are made ready before others have their turn: a few milliseconds."""


class Bodies:
    """Makes the bodies of events."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction

    async def sent(self, call: Call, *, managed_fields: bool) -> bytes:
        """The ``requestObject`` as JSON; b"" for none."""
        body = call.body
        if isinstance(body, tuple):
            return self._patch(call, *body)
        if not isinstance(body, Struct):
            return b""
        if isinstance(body, DeleteOptions) and not await call.request.body():
            # Made of the query, which the URI tells.
            return b""
        tree = msgspec.json.decode(codec.encode(body))
        if type(body) is call.shown.type:
            tree = {"kind": call.shown.kind, "apiVersion": call.shown.api_version} | tree
        if not managed_fields:
            without_managed_fields(tree)
        return codec.encode(self._redaction.of_object(tree, node_of(type(body))))

    async def answered(self, call: Call, outcome: Outcome, *, managed_fields: bool) -> bytes:
        """The ``responseObject`` as JSON; b"" for none."""
        text = as_json(call, outcome)
        if not text:
            return b""
        tree = msgspec.json.decode(text)
        if not isinstance(outcome, (OneObject, ManyObjects)):
            return codec.encode(tree)
        if not managed_fields:
            without_managed_fields(tree)
        node = node_of(call.shown.type)
        if "rows" in tree:
            await self._table(tree["rows"] or [], node, custom=is_custom(call.shown.type))
        elif isinstance(outcome, ManyObjects):
            items = tree["items"]
            await self._each([(items, at) for at in range(len(items))], node)
        else:
            tree = self._redaction.of_object(tree, node)
        return codec.encode(tree)

    def _patch(self, call: Call, type_: PatchType | None, body: bytes) -> bytes:
        tree = _patch_tree(type_, body)
        if tree is None:
            return b""
        node = node_of(call.shown.type)
        if type_ is PatchType.JSON:
            return codec.encode(self._redaction.of_json_patch(tree, node))
        return codec.encode(self._redaction.of_patch(tree, node))

    async def _table(self, rows: list[dict[str, Any]], node: Node, *, custom: bool) -> None:
        """Objects of rows as any other; cells of custom kinds may show what is marked."""
        if custom and node.leads:
            await self._each([(row, "cells") for row in rows], HIDE_TEXT)
        await self._each([(row, "object") for row in rows], node)

    async def _each(self, places: list[tuple[Any, Any]], node: Node) -> None:
        """Redact objects where they stand, with a break now and then: a list may be long."""
        for count, (holder, key) in enumerate(places, 1):
            holder[key] = self._redaction.of_object(holder[key], node)
            if count % _PIECE == 0:
                await asyncio.sleep(0)


def _patch_tree(type_: PatchType | None, body: bytes) -> Any:
    """What a patch says, as JSON; None for what is none."""
    try:
        if type_ is not None:
            return read_json(body, codec.MAX_DEPTH)
        from strongroom.api import yaml_text

        return yaml_text.load(body)[0]
    except ValueError:
        return None
