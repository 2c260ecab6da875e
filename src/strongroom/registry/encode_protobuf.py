"""The bytes of answers in protobuf: objects, lists, metadata only, and the frames of a watch.

Views hold their messages ready, so that a list is joined from them as its JSON is; a frame is made
once for all watchers that see an event alike.
"""

from __future__ import annotations

from typing import Any

import msgspec

from strongroom.api.errors import StatusError
from strongroom.api.meta import ObjectMeta
from strongroom.api.protobuf import (
    encode_message,
    encode_protobuf,
    enveloped,
    enveloped_list,
    event_frame,
    item,
)
from strongroom.api.schema import Struct
from strongroom.api.table import PartialObjectMetadata
from strongroom.registry.encode import bookmark, list_meta
from strongroom.registry.events import WatchEvent
from strongroom.registry.reading import ListResult
from strongroom.registry.view import AnyView
from strongroom.resources.resource import Resource

_metadata = msgspec.json.Decoder(ObjectMeta)


def object_message(resource: Resource[Any], view: AnyView) -> bytes:
    """One object with its envelope."""
    return enveloped(resource.api_version, resource.kind, view.message)


def list_message(resource: Resource[Any], result: ListResult[Any], items: list[bytes]) -> bytes:
    """A list, such as a SecretList. ``items`` are the messages of the result's views."""
    kind = resource.list_kind or f"{resource.kind}List"
    return enveloped_list(resource.api_version, kind, list_meta(result), items)


def partial_message(view: AnyView, version: str = "v1") -> bytes:
    """One object as PartialObjectMetadata (``version`` is that of meta.k8s.io)."""
    return enveloped(f"meta.k8s.io/{version}", "PartialObjectMetadata", partial_item(view))


def partial_list_message(result: ListResult[Any], items: list[bytes], version: str = "v1") -> bytes:
    """A PartialObjectMetadataList of what :func:`partial_item` made."""
    api_version = f"meta.k8s.io/{version}"
    return enveloped_list(api_version, "PartialObjectMetadataList", list_meta(result), items)


def partial_item(view: AnyView) -> bytes:
    """An object's metadata as an item of a list. Nothing but the metadata is decoded.

    Where the object's message is kept, its metadata is cut out: in both it is field 1.
    """
    kept = view.metadata_message
    return kept if kept is not None else _partial(_metadata.decode(view.metadata))


def _partial(metadata: ObjectMeta) -> bytes:
    return item(encode_message(PartialObjectMetadata(metadata=metadata)))


def status_message(status: Struct) -> bytes:
    """A Status with its envelope."""
    return encode_protobuf(status, api_version="v1", kind="Status")


class FrameEncoder:
    """Writes the frames of one watch: whole objects, or with ``partial`` (a version) metadata."""

    def __init__(self, resource: Resource[Any], *, partial: str = "") -> None:
        self._resource = resource
        self._partial = partial
        self._name = f"protobuf/{partial}"

    def lines(self, events: list[WatchEvent[Any]]) -> bytes:
        """The events of a batch, a frame each."""
        return b"".join([self.line(event) for event in events])

    def line(self, event: WatchEvent[Any]) -> bytes:
        """One event as a frame."""
        frame = event.lines.get(self._name) if event.lines is not None else None
        if frame is None:
            frame = event_frame(event.type, self._body(event))
            if event.lines is not None:
                event.lines[self._name] = frame
        return frame

    def error(self, error: StatusError) -> bytes:
        """The event that ends a watch which failed."""
        return event_frame("ERROR", status_message(error.to_status()))

    def _body(self, event: WatchEvent[Any]) -> bytes:
        resource, view, partial = self._resource, event.view, self._partial
        if view is not None:
            return partial_message(view, partial) if partial else object_message(resource, view)
        obj = bookmark(resource, event)
        if partial:
            return enveloped(
                f"meta.k8s.io/{partial}", "PartialObjectMetadata", _partial(obj.metadata)
            )
        return encode_protobuf(obj, api_version=resource.api_version, kind=resource.kind)
