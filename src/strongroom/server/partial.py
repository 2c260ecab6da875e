"""Answers requests for Secrets with a part of them, where the whole is not allowed.

Asked only when a request is refused, so that an allowed one costs nothing more. What is found is a
:class:`Part`, which stands in for the registry: the verbs and the encoders see Secrets that hold
no more than what may be shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

from strongroom.access.authz.partial import KEYS, METADATA, KeysRight, PartialRights, divisible
from strongroom.access.authz.port import Decision, Verdict
from strongroom.access.user import Attributes
from strongroom.api.errors import StatusError
from strongroom.registry.registry import Registry
from strongroom.server.kinds import Kinds
from strongroom.server.negotiation import (
    LIST_SHAPES,
    OBJECT_SHAPES,
    WATCH_SHAPES,
    accepted_form,
    holds_objects,
)
from strongroom.server.partial_registry import PartialRegistry, Projections
from strongroom.server.request import Request
from strongroom.server.urls import Target

_SHAPES = {"get": OBJECT_SHAPES, "list": LIST_SHAPES, "watch": WATCH_SHAPES}
_HINT = (
    "only secrets/metadata is allowed, which gives tables and metadata without values "
    "(kubectl get without -o)"
)


@dataclass(frozen=True, slots=True)
class Part:
    """What may be shown of Secrets by one request; without ``keys`` it is metadata alone."""

    request: Request
    projections: Projections
    keys: KeysRight | None = None

    def of(self, registry: Registry[Any]) -> Registry[Any]:
        """The registry with nothing in it but this part, as far as reading goes."""
        part = PartialRegistry(registry, self.projections, self.keys, self.request.annotate)
        return cast("Registry[Any]", part)


class PartialAccess:
    """Finds out which part of Secrets a refused request may have."""

    def __init__(self, rights: PartialRights, kinds: Kinds) -> None:
        self._rights = rights
        self._secrets: Registry[Any] = kinds.registry("", "secrets")
        self._projections = Projections(self._secrets.form)

    async def part(
        self, request: Request, target: Target, attributes: Attributes, refused: Decision
    ) -> tuple[Part | None, Decision]:
        """The part with the decision that allows it; None with the one that refuses the request."""
        if refused.verdict is not Verdict.NO_OPINION or not divisible(attributes):
            return None, refused
        metadata = await self._rights.metadata(attributes)
        allowed = metadata.verdict is Verdict.ALLOW
        if allowed and _without_values(request, target):
            return Part(request, self._projections), _told(metadata.reason, METADATA)
        keys = await self._rights.keys(attributes)
        if keys is not None and (keys.named or await self._found(attributes, keys)):
            return Part(request, self._projections, keys), _told(keys.reason, KEYS)
        if not allowed:
            return None, refused
        reasons = [refused.reason, _HINT] if refused.reason else [_HINT]
        return None, replace(refused, reason="; ".join(reasons))

    async def _found(self, wanted: Attributes, keys: KeysRight) -> bool:
        """Whether the Secret has a key that may be shown.

        One that does not exist is refused like one without such a key: by the same words.
        """
        if not wanted.namespace:
            return False
        key = self._secrets.resource.key(wanted.namespace, wanted.name)
        await self._secrets.catch_up()
        entry = self._secrets.cache.get(key)
        if entry is None or entry.error is not None:
            return False
        return bool(await keys.shown(sorted(entry.item.peek().data)))


def _told(reason: str, part: str) -> Decision:
    return Decision(Verdict.ALLOW, f"secrets/{part}: {reason}" if reason else f"secrets/{part}")


def _without_values(request: Request, target: Target) -> bool:
    """Whether the form that the answer will have holds metadata and cells alone."""
    accept, shapes = request.headers.get("accept", ""), _SHAPES[target.verb]
    try:
        form = accepted_form(accept, shapes)
    except StatusError:
        return False
    return not holds_objects(form, target.first("includeObject"))
