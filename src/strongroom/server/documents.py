"""Documents that are made once and served many times: their forms, ETags and conditional reads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from strongroom.api.protobuf import MEDIA_TYPE as PROTOBUF
from strongroom.api.protobuf import encode_protobuf
from strongroom.api.schema import Struct
from strongroom.server.negotiation import (
    LONGEST_ACCEPT,
    NO_SHAPES,
    YAML,
    accepted_form,
    parse_accept,
    yaml_of,
)
from strongroom.server.reply import JSON, Reply
from strongroom.server.request import Request


class Document:
    """A JSON document, encoded once; other forms are made for those who ask for them.

    Those that have a kind can be had in protobuf too.
    """

    def __init__(self, content: object, content_type: str = JSON) -> None:
        self._content = (
            content if isinstance(content, Struct) and hasattr(content, "kind") else None
        )
        self.body = msgspec.json.encode(content)
        self.hash = hashlib.sha512(self.body).hexdigest().upper()
        self._content_type = content_type

    def reply(self, request: Request, *, etag: bool = False) -> Reply:
        """The document, or 304 for a client that has it. Raises StatusError 406."""
        if self._content_type != JSON:
            return self._plain(request, etag)
        messages = self._content is not None
        form = accepted_form(request.headers.get("accept", ""), NO_SHAPES, protobuf=messages)
        if form.media_type == PROTOBUF:
            return Reply(self._message(), content_type=PROTOBUF)
        if form.media_type == YAML:
            return Reply(yaml_of(self.body), content_type=YAML)
        return self._plain(request, etag)

    def _message(self) -> bytes:
        content: Any = self._content
        return encode_protobuf(content, api_version=content.apiVersion, kind=content.kind)

    def _plain(self, request: Request, etag: bool) -> Reply:
        if not etag:
            return Reply(self.body, content_type=self._content_type)
        return self._tagged(request, lambda: self.body, self._content_type)

    def _tagged(self, request: Request, make: Callable[[], bytes], content_type: str) -> Reply:
        """With an ETag; ``make`` makes the body if the client does not have it."""
        tag = f'"{self.hash}"'
        headers = [(b"etag", tag.encode()), (b"vary", b"Accept")]
        known = request.headers.get("if-none-match", "")
        if tag in (part.strip().removeprefix("W/") for part in known.split(",")):
            return Reply(status=304, content_type=content_type, headers=headers)
        return Reply(make(), content_type=content_type, headers=headers)


class Description(Document):
    """An OpenAPI document, which has a protobuf form of its own under ``media_types``.

    All forms have the same ETag: ``Vary`` tells caches apart what they hold.
    """

    def __init__(
        self, content: object, media_types: tuple[str, ...], encode: Callable[[Any], bytes]
    ) -> None:
        super().__init__(content)
        self._media_types = media_types
        self._encode = cache(lambda: encode(msgspec.json.decode(self.body)))

    def reply(self, request: Request, *, etag: bool = False) -> Reply:
        """The document in the most wanted of its forms. Raises StatusError 406."""
        for pattern, _ in parse_accept(request.headers.get("accept", "")[:LONGEST_ACCEPT]):
            if pattern in self._media_types:
                return self._tagged(request, self._encode, self._media_types[0])
            if pattern in (JSON, "*/*", "application/*"):
                break
        return super().reply(request, etag=etag)
