"""The bytes of answers that hold many objects, or one in another shape than its own.

Objects are never encoded again: lists and Tables are joined from the bytes that views hold ready,
and a watch event is encoded once for all watchers that see it alike.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from strongroom.api.codec import encode
from strongroom.api.errors import Status, StatusDetails, StatusError, bad_request
from strongroom.api.meta import ListMeta, Object, ObjectMeta
from strongroom.api.table import TableColumnDefinition
from strongroom.api.validation import Path, invalid_value
from strongroom.registry.events import WatchEvent
from strongroom.registry.reading import ListResult
from strongroom.registry.rows import row_of
from strongroom.registry.view import AnyView
from strongroom.resources.resource import Resource

IncludeObject = Literal["", "Metadata", "Object", "None"]

INITIAL_EVENTS_END = "k8s.io/initial-events-end"

_SHOWN_WHEN_DELETED = frozenset(
    {
        ("", "pods"),
        ("", "podtemplates"),
        ("", "resourcequotas"),
        ("", "serviceaccounts"),
        ("", "services"),
        ("storage.k8s.io", "csidrivers"),
    }
)
"""Kinds of which a delete answers the last object instead of a Status (ReturnDeletedObject)."""


def listed(resource: Resource[Any], result: ListResult[Any]) -> bytes:
    """A list, such as a SecretList. Its items do not repeat kind and version."""
    kind = resource.list_kind or f"{resource.kind}List"
    head = f'{{"kind":"{kind}","apiVersion":"{resource.api_version}","metadata":'
    return _joined(
        head, encode(list_meta(result)), b"{", b",{", [view.tail for view in result.items]
    )


def _joined(head: str, meta: bytes, first: bytes, between: bytes, items: list[bytes]) -> bytes:
    start = head.encode() + meta + b',"items":['
    if not items:
        return start + b"]}\n"
    # The ends are put on the outer items, so that the whole is copied once only.
    items[0] = start + first + items[0]
    items[-1] += b"]}\n"
    return between.join(items)


def list_meta(result: ListResult[Any]) -> ListMeta:
    """What is told of a list as a whole."""
    return ListMeta(
        resourceVersion=str(result.revision),
        continue_=result.continue_token,
        remainingItemCount=result.remaining,
    )


# --- metadata only ------------------------------------------------------------------------------


def partial(view: AnyView, version: str = "v1") -> bytes:
    """One object as PartialObjectMetadata (``version`` is that of meta.k8s.io)."""
    return _partial(view.metadata, version)


def partial_list(result: ListResult[Any], version: str = "v1") -> bytes:
    """A PartialObjectMetadataList."""
    head = f'{{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/{version}","metadata":'
    first = _partial_head(version)
    items = [view.metadata for view in result.items]
    if items:
        items[-1] += b"}"
    return _joined(head, encode(list_meta(result)), first, b"}," + first, items)


def _partial(metadata: bytes, version: str) -> bytes:
    return _partial_head(version) + metadata + b"}"


@lru_cache
def _partial_head(version: str) -> bytes:
    head = f'{{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/{version}","metadata":'
    return head.encode()


# --- tables -------------------------------------------------------------------------------------


class TableEncoder:
    """Writes Tables of one kind; ``include`` says what each row brings of its object."""

    def __init__(
        self, resource: Resource[Any], include: str = "Metadata", version: str = "v1"
    ) -> None:
        if include not in ("", "Metadata", "Object", "None"):
            detail = "must be 'Metadata', 'Object', 'None', or empty"
            error = invalid_value(Path("includeObject"), include, detail)
            raise bad_request(f"Unable to convert to Table as requested: {error}")
        self._resource = resource
        self._include = include
        self._version = version
        self.name = f"Table/{version}/{include}"
        """Tells apart what has been encoded in different ways."""

    def many(self, result: ListResult[Any], now: datetime) -> bytes:
        """The Table of a list; ``now`` is what ages are counted to."""
        return (
            self._table(encode(list_meta(result)), [self._row(v, now) for v in result.items])
            + b"\n"
        )

    def one(self, view: AnyView, now: datetime, *, headers: bool = True) -> bytes:
        """The Table of one object, with or without the columns' definitions."""
        meta = encode(ListMeta(resourceVersion=str(view.revision) if view.revision else ""))
        return self._table(meta, [self._row(view, now)], headers=headers)

    def bookmark(self, event: WatchEvent[Any], *, headers: bool) -> bytes:
        """The Table of a bookmark: a row of an object that is nothing but its revision."""
        meta = encode(ListMeta(resourceVersion=str(event.revision)))
        obj = bookmark(self._resource, event)
        body = _partial(encode(obj.metadata), self._version)
        if self._include == "Object":
            body = encode(obj)
        elif self._include == "None" and not event.initial_end:
            body = b"null"
        return self._table(meta, [self._cells(obj, event.at, body)], headers=headers)

    def _table(self, meta: bytes, rows: list[bytes], *, headers: bool = True) -> bytes:
        head = f'{{"kind":"Table","apiVersion":"meta.k8s.io/{self._version}","metadata":'.encode()
        columns = encode(column_definitions(self._resource)) if headers else b"null"
        return b"".join(
            (head, meta, b',"columnDefinitions":', columns, b',"rows":[', b",".join(rows), b"]}")
        )

    def _row(self, view: AnyView, now: datetime) -> bytes:
        if self._include == "Object":
            body = view.wire
        elif self._include == "None":
            body = b"null"
        else:
            body = _partial(view.metadata, self._version)
        columns, row = self._resource.columns, view.row
        if row is None or row.columns is not columns:
            row = view.row = row_of(view.peek(), columns)
        if not row.lasting:
            return self._cells(view.peek(), now, body)
        return _with_cells(row.cells(now), body)

    def _cells(self, obj: Object, now: datetime, body: bytes) -> bytes:
        return _with_cells(encode(self._resource.columns_of(obj, now)), body)


def _with_cells(cells: bytes, body: bytes) -> bytes:
    return b'{"cells":%b,"object":%b}' % (cells, body)


def column_definitions(resource: Resource[Any]) -> list[TableColumnDefinition]:
    """The columns of a kind as a Table declares them."""
    return [
        TableColumnDefinition(
            name=column.name,
            type=column.type,
            format=column.format,
            description=column.description,
            priority=column.priority,
        )
        for column in resource.columns
    ]


# --- watches ------------------------------------------------------------------------------------


class EventEncoder:
    """Writes the lines of one watch: whole objects, metadata only, or Tables.

    Give ``table`` for Tables, or ``partial`` (a version of meta.k8s.io) for metadata.
    """

    def __init__(
        self,
        resource: Resource[Any],
        *,
        table: TableEncoder | None = None,
        partial: str = "",
    ) -> None:
        self._resource = resource
        self._table = table
        self._partial = partial
        self._headers = table is not None
        self._name = table.name if table else f"partial/{partial}" if partial else "object"

    def lines(self, events: list[WatchEvent[Any]]) -> bytes:
        """The events of a batch, a line each."""
        return b"".join([self.line(event) for event in events])

    def line(self, event: WatchEvent[Any]) -> bytes:
        """One event as a line. Only the first of a Table watch has the columns' definitions."""
        name = f"{self._name}/headers" if self._headers else self._name
        line = event.lines.get(name) if event.lines is not None else None
        if line is None:
            line = b'{"type":"%b","object":%b}\n' % (event.type.encode(), self._body(event))
            if event.lines is not None:
                event.lines[name] = line
        self._headers = False
        return line

    def error(self, error: StatusError) -> bytes:
        """The event that ends a watch which failed."""
        return error_line(error)

    def _body(self, event: WatchEvent[Any]) -> bytes:
        view = event.view
        if self._table is not None:
            if view is None:
                return self._table.bookmark(event, headers=self._headers)
            return self._table.one(view, event.at, headers=self._headers)
        if view is None:
            obj = bookmark(self._resource, event)
            return _partial(encode(obj.metadata), self._partial) if self._partial else encode(obj)
        return partial(view, self._partial) if self._partial else view.wire


def error_line(error: StatusError) -> bytes:
    """The event that ends a watch which failed."""
    return b'{"type":"ERROR","object":' + encode(error.to_status()) + b"}\n"


def bookmark(resource: Resource[Any], event: WatchEvent[Any]) -> Object:
    """The object of a bookmark: of its kind, and nothing but a revision."""
    meta = ObjectMeta(resourceVersion=str(event.revision))
    if event.initial_end:
        meta.annotations = {INITIAL_EVENTS_END: "true"}
    obj: Object = resource.type(kind=resource.kind, apiVersion=resource.api_version, metadata=meta)
    return obj


# --- deletion -----------------------------------------------------------------------------------


def shows_object(resource: Resource[Any], *, removed: bool) -> bool:
    """Whether a delete answers with the object: when it is only marked, and for some kinds."""
    return not removed or (resource.group, resource.plural) in _SHOWN_WHEN_DELETED


def deleted(resource: Resource[Any], view: AnyView) -> Status:
    """The Status of an object that is gone. Its ``kind`` is the plural name, as upstream's is."""
    details = StatusDetails(
        name=view.name,
        group=resource.group,
        kind=resource.plural,
        uid=view.peek().metadata.uid,
    )
    return Status(kind="Status", apiVersion="v1", status="Success", details=details)
