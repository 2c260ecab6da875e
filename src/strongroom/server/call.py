"""One resource request between its stages: what is known, and what the next stage needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from strongroom.access.authz.modes import Always
from strongroom.access.authz.port import Authorizer
from strongroom.access.user import Attributes
from strongroom.api.errors import bad_request
from strongroom.registry.context import RequestContext
from strongroom.registry.registry import Registry
from strongroom.resources.resource import Resource
from strongroom.server.negotiation import Form
from strongroom.server.request import Request
from strongroom.server.urls import Query, Target

_NOBODY = Always(allow=False)


@dataclass(slots=True)
class Call:
    """A request to a resource. ``body`` is what the decode stage made of the request's body."""

    request: Request
    target: Target
    attributes: Attributes
    registry: Registry[Any]
    form: Form
    authorizer: Authorizer = field(default=_NOBODY, repr=False)
    """Who decides about rights beyond that by which the request was let in."""
    body: Any = field(default=None, repr=False)

    @property
    def resource(self) -> Resource[Any]:
        return self.registry.resource

    @property
    def shown(self) -> Resource[Any]:
        """The kind that bodies are of: that of the path, unless a subresource shows another."""
        part = self.resource.subresource(self.target.subresource)
        return (part.other if part else None) or self.resource

    @property
    def query(self) -> Query:
        return self.target.query

    def context(self, **options: Any) -> RequestContext:
        """What the registry is told about the request; ``options`` are those of the verb."""
        return RequestContext(
            user=self.attributes.user,
            attributes=self.attributes,
            now=self.request.received,
            warn=self.request.warn,
            annotate=self.request.annotate,
            **options,
        )


def manager_of(call: Call, given: str) -> str:
    """The field manager: as given, else the client's name from ``User-Agent``, as upstream."""
    if given:
        return given
    agent = call.request.headers.get("user-agent", "").partition("/")[0]
    return "".join(c for c in agent if c.isprintable())[:128]


def integer(query: Mapping[str, list[str]], parameter: str) -> int | None:
    """A parameter's number; None when it is missing or empty. Raises StatusError 400."""
    values = query.get(parameter)
    if not values or not values[0]:
        return None
    text = values[0]
    digits = text[1:] if text[0] in "+-" else text
    if not (digits.isascii() and digits.isdigit()):
        raise bad_request(f'strconv.ParseInt: parsing "{_shown(text)}": invalid syntax')
    # Twenty digits are too many already: no huge number is made of a long text.
    number = int(digits.lstrip("0")[:20] or "0") * (-1 if text[0] == "-" else 1)
    if not -(1 << 63) <= number < 1 << 63:
        raise bad_request(f'strconv.ParseInt: parsing "{_shown(text)}": value out of range')
    return number


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() and c not in '"\\' else "?" for c in text[:64])
