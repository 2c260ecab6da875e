"""A stored object as readers see it: bytes that are ready to send.

What the store keeps has no resourceVersion; it is the revision of the key and is written into the
bytes here. Our own values begin with a text that is the same for all objects of a kind, so this is
a slice and a join. A value that another API server wrote (in JSON or protobuf) is decoded and
encoded first, which also drops fields that we do not know; so is every value of a kind that is
stored in another form than it is served (:class:`~strongroom.resources.resource.StoredForm`).
"""

from __future__ import annotations

import sys
from functools import cached_property
from typing import Any, Generic, TypeVar

import msgspec

from strongroom.api import codec, custom, protobuf
from strongroom.api.errors import StatusError
from strongroom.api.lenient import UnreadableError
from strongroom.api.meta import Object
from strongroom.registry.rows import Row
from strongroom.resources.resource import Resource
from strongroom.storage.port import KeyValue

T = TypeVar("T", bound=Object)


class Undecodable(Exception):
    """A stored value is no object of its kind. The text holds nothing of the value."""


class _Labels(msgspec.Struct):
    labels: dict[str, str] = {}


class _Labelled(msgspec.Struct):
    metadata: _Labels


class _Metadata(msgspec.Struct):
    metadata: msgspec.Raw


_labelled = msgspec.json.Decoder(_Labelled)
_metadata = msgspec.json.Decoder(_Metadata)
_copier = msgspec.json.Encoder()
_METADATA = b'"metadata":{'
_AT = len(_METADATA) - 1
"""Where the value of the metadata begins in what follows kind and apiVersion."""

KEPT_MESSAGE = 32 * 1024
"""Longest protobuf message, in bytes, that a view keeps beside its JSON. Small objects take their
time by their number of fields, so keeping them pays; large ones are bytes that are copied."""


class Form(Generic[T]):
    """How one kind's objects are written: shared by all its views."""

    def __init__(self, resource: Resource[T]) -> None:
        self.resource = resource
        self.head = _head(resource.kind, resource.api_version)
        self.start = self.head + _METADATA
        self._stored = resource.stored
        self._custom = custom.is_custom(resource.type)
        self._prefix = len(resource.prefix())

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[T]:
        """Made when a kind is first used: that of a Pod alone takes 20 ms, for all its types."""
        return msgspec.json.Decoder(self.resource.type)

    def decode(self, data: bytes) -> T:
        """A new object of the kind, which the caller may change."""
        try:
            if self._custom:
                made: T = custom.read(msgspec.json.decode(data), self.resource.type, fresh=True)
                return made
            obj: T = self._decoder.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, UnreadableError):
            # The cause is not chained: its text may quote a part of the value.
            raise Undecodable(f"not a stored {self.resource.kind}") from None
        return obj

    def copy(self, obj: T) -> T:
        """A deep copy, by way of the wire form."""
        if self._custom:
            copied: T = custom.copy(obj)
            return copied
        return self.decode(_copier.encode(obj))

    def encode(self, obj: T) -> bytes:
        """The value to store: kind and version set, resourceVersion and selfLink taken out."""
        stored = self._stored
        if stored is None:
            return _encode(obj, self.resource.kind, self.resource.api_version)
        return _encode(stored.to_stored(obj), stored.kind, stored.api_version)

    def project(self, kv: KeyValue) -> View[T]:
        """The view of what the store holds. Raises Undecodable.

        The value is decoded once to see that it can be: a view in the cache never fails later.
        """
        view = self.view(kv.key, kv.value, kv.mod_revision)
        view.decode()
        return view

    def view(self, key: str, value: bytes, revision: int) -> View[T]:
        """The view of a value at a revision. Raises Undecodable."""
        namespace, name = self.names(key)
        return View(self, namespace, name, revision, self._body(value), stale=self._stale(value))

    def unstored(self, obj: T, namespace: str, name: str, revision: int) -> View[T]:
        """The view of an object that is made for an answer, and that no store holds."""
        return View(self, namespace, name, revision, self._body(self.encode(obj)))

    def names(self, key: str) -> tuple[str, str]:
        """Namespace and name of a key."""
        rest = key[self._prefix :]
        if not self.resource.namespaced:
            return "", rest
        namespace, _, name = rest.partition("/")
        # One text for all objects of a namespace: with many small ones it would be 5 % of memory.
        return sys.intern(namespace), name

    def _body(self, value: bytes) -> bytes:
        """What follows ``"metadata":{`` in the served form of the value."""
        # Go's encoder ends with a line feed, ours does not; a resourceVersion may stand elsewhere
        # in an object of ours too (an Event's involvedObject), then the slow way is only slow.
        ours = value.startswith(self.start) and not value.endswith(b"\n")
        if self._stored is not None or not ours or b'"resourceVersion":' in value:
            obj = self._read(value)
            value = _encode(obj, self.resource.kind, self.resource.api_version)
        return value[len(self.start) :]

    def _read(self, value: bytes) -> T:
        """The object that a value in any form is. Raises Undecodable."""
        stored, kind = self._stored, self.resource.kind
        try:
            if stored is None:
                obj: T = _decode(value, self.resource.type, kind)
                return obj
            return stored.from_stored(_decode(value, stored.type, stored.kind))
        except StatusError as error:
            # A StatusError tells where the value is wrong, and nothing that is in it.
            raise Undecodable(error.message) from None
        except ValueError as error:
            raise Undecodable(f"not a stored {kind}: {error}") from None

    def _stale(self, value: bytes) -> bool:
        """Whether the value is in a form that is no longer the one in which we store the kind."""
        stored = self._stored
        if stored is None:
            return False
        return not value.startswith(_head(stored.kind, stored.api_version))


class View(Generic[T]):
    """An object at a revision. Shared between readers: nothing in it may be changed.

    Revision 0 is an object that is not stored (the answer of a dry run) and has no
    resourceVersion. A ``stale`` one is stored in a form that any write replaces, even one that
    changes nothing.
    """

    __slots__ = (
        "_fields",
        "_form",
        "_labels",
        "_message",
        "_metadata_end",
        "_obj",
        "derived",
        "name",
        "namespace",
        "revision",
        "row",
        "stale",
        "tail",
    )

    def __init__(
        self,
        form: Form[T],
        namespace: str,
        name: str,
        revision: int,
        body: bytes,
        *,
        stale: bool = False,
    ) -> None:
        self._form = form
        self.namespace = namespace
        self.name = name
        self.revision = revision
        self.stale = stale
        self.tail = _METADATA + _version(revision) + body
        """The object's JSON after kind and apiVersion, which is how lists hold it."""
        self._obj: T | None = None
        self._message: bytes | None = None
        self._metadata_end = 0
        self.derived: Any = None
        """What others have worked out about the object and keep with it; no part of any answer."""
        self.row: Row | None = None
        """The object's row in a Table, once one was made; the encoder's."""
        self._labels: dict[str, str] | None = None
        self._fields: dict[str, str] | None = None

    def __repr__(self) -> str:
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"<View {self._form.resource.plural} {where} at {self.revision}>"

    @property
    def wire(self) -> bytes:
        """The object as JSON, with kind, apiVersion and resourceVersion."""
        return self._form.head + self.tail

    @property
    def obj(self) -> T:
        """The object, decoded once for all readers: treat it as read-only. Raises Undecodable."""
        if self._obj is None:
            self._obj = self.decode()
        return self._obj

    def decode(self) -> T:
        """A new object that belongs to the caller. Raises Undecodable."""
        return self._form.decode(self.wire)

    def for_apply(self) -> View[T]:
        """The object the way `kubectl apply` compares it: mostly this very view."""
        obj = self.decode()
        if not self._form.resource.complete_for_apply(obj):
            return self
        return self._form.unstored(obj, self.namespace, self.name, self.revision)

    def peek(self) -> T:
        """Like ``obj``, but does not keep what it decoded: for one look at many objects."""
        return self._obj if self._obj is not None else self.decode()

    @property
    def labels(self) -> dict[str, str]:
        """The labels, for selectors."""
        if self._labels is None:
            self._labels = _labelled.decode(self.wire).metadata.labels
        return self._labels

    @property
    def fields(self) -> dict[str, str]:
        """The selectable fields and their values."""
        if self._fields is None:
            resource = self._form.resource
            fields = {"metadata.name": self.name}
            if resource.namespaced:
                fields["metadata.namespace"] = self.namespace
            if resource.field_selectors:
                obj = self.peek()
                fields.update((path, get(obj)) for path, get in resource.field_selectors.items())
            self._fields = fields
        return self._fields

    @property
    def metadata(self) -> bytes:
        """The JSON of the metadata. Where it ends is looked for once; nothing is decoded."""
        if not self._metadata_end:
            self._metadata_end = _AT + len(_metadata.decode(self.wire).metadata)
        return self.tail[_AT : self._metadata_end]

    @property
    def metadata_message(self) -> bytes | None:
        """The metadata in protobuf as an item of a list, where the object's message is kept."""
        message = self._message
        return None if message is None else protobuf.first_field(message)

    @property
    def message(self) -> bytes:
        """The object in protobuf, as lists and envelopes hold it (their field 2)."""
        if self._message is not None:
            return self._message
        message = protobuf.item(protobuf.encode_message(self.peek()))
        if len(message) <= KEPT_MESSAGE:
            self._message = message
        return message

    @property
    def stored(self) -> bytes:
        """The value that the store holds, as we write it; nothing (b"") if it is to be replaced."""
        if self.stale:
            return b""
        if self._form.resource.stored is not None:
            return self._form.encode(self.peek())
        return self._form.start + self._body

    def at(self, revision: int) -> View[T]:
        """The same object with another resourceVersion: a deletion shows its own revision."""
        if revision == self.revision:
            return self
        return View(self._form, self.namespace, self.name, revision, self._body, stale=self.stale)

    @property
    def _body(self) -> bytes:
        return self.tail[len(_METADATA) + len(_version(self.revision)) :]


def _decode(value: bytes, struct: type[Any], kind: str) -> Any:
    """What another API server may have written. Raises StatusError 400."""
    if value.startswith(protobuf.PREFIX):
        return protobuf.decode_protobuf(value, struct, kind=kind)
    return codec.decode(value, struct, kind=kind).obj


def _head(kind: str, api_version: str) -> bytes:
    return f'{{"kind":"{kind}","apiVersion":"{api_version}",'.encode()


def _encode(obj: Object, kind: str, api_version: str) -> bytes:
    meta = obj.metadata
    version, link = meta.resourceVersion, meta.selfLink
    obj.kind, obj.apiVersion = kind, api_version
    meta.resourceVersion = meta.selfLink = ""
    try:
        return codec.encode(obj)
    finally:
        # What is encoded may share its metadata with the object that the caller goes on with.
        meta.resourceVersion, meta.selfLink = version, link


def _version(revision: int) -> bytes:
    return b'"resourceVersion":"%d",' % revision if revision else b""


AnyView = View[Any]
