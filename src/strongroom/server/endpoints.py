"""Which verb of which resource serves a request, and the stages that a verb goes through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.access.authz.modes import Always
from strongroom.access.authz.port import Authorizer
from strongroom.access.user import Attributes
from strongroom.api.custom import is_custom
from strongroom.api.protobuf import has_message
from strongroom.api.schema import Struct
from strongroom.registry.registry import Registry
from strongroom.server.call import Call
from strongroom.server.encode import encode
from strongroom.server.kinds import Kinds
from strongroom.server.negotiation import accepted_form
from strongroom.server.node_secrets import for_node
from strongroom.server.partial import Part
from strongroom.server.podlogs import PodLogs
from strongroom.server.reply import Reply, StreamReply
from strongroom.server.request import Request
from strongroom.server.routes import no_such_resource, wrong_method
from strongroom.server.secret_reads import SecretReads, tell_values
from strongroom.server.sharing import Sharing
from strongroom.server.urls import Target
from strongroom.server.verbs import (
    bind,
    create,
    delete,
    deletecollection,
    get,
    patch,
    update,
    watch,
)
from strongroom.server.verbs import list as list_verb
from strongroom.server.verbs.verb import Outcome, Verb

_NAMED = frozenset({"create", "update", "patch"})
_HOLD_VALUES = frozenset({("", "secrets"), ("strongroom.io", "secretrevisions")})

VERBS: Mapping[str, Verb] = {
    "create": create.VERB,
    "delete": delete.VERB,
    "deletecollection": deletecollection.VERB,
    "get": get.VERB,
    "list": list_verb.VERB,
    "patch": patch.VERB,
    "update": update.VERB,
    "watch": watch.VERB,
}


@dataclass(slots=True)
class Stages:
    """The last three stages of a request to a resource."""

    call: Call
    verb: Verb
    reads: SecretReads | None = None
    holds_values: bool = False

    async def decode_body(self) -> None:
        """Read the body, if the verb has one."""
        await self.verb.decode(self.call)
        record = self.call.request.record
        if self.call.body is not None and record is not None:
            await record.sent(self.call)

    async def run(self) -> Outcome:
        """Admission and the registry."""
        outcome = await self.verb.run(self.call)
        if self.holds_values:
            tell_values(self.call, outcome)
            if self.reads is not None:
                self.reads.saw(self.call, outcome)
        record = self.call.request.record
        if record is not None and record.tells_answers:
            await record.answered(self.call, outcome)
        return outcome

    async def encode(self, outcome: Outcome) -> Reply | StreamReply:
        """The bytes, in the form that was asked for."""
        return await encode(self.call, outcome)


class Endpoints:
    """The resources that are served."""

    def __init__(
        self,
        kinds: Kinds,
        logs: PodLogs | None = None,
        posts: Mapping[tuple[str, str], Verb] | None = None,
        reads: SecretReads | None = None,
        sharing: Sharing | None = None,
        authorizer: Authorizer | None = None,
    ) -> None:
        self._kinds = kinds
        self._logs = logs
        self._reads = reads
        self._sharing = sharing
        self._authorizer = authorizer or Always(allow=False)
        self._posts = {("pods", "binding"): bind.VERB, **(posts or {})}
        """Subresources that are created only, by the kind's plural name and theirs."""

    async def open(
        self, request: Request, target: Target, attributes: Attributes, part: Part | None = None
    ) -> Stages:
        """The stages of a request, of which only a ``part`` may be shown.

        Raises StatusError 404, 405, 406.
        """
        registry = await self._kinds.find(target.group, target.version, target.resource)
        if registry is None or target.extra:
            raise no_such_resource()
        if registry.resource.deprecation:
            request.warn(registry.resource.deprecation)
            if is_custom(registry.resource.type):
                # Upstream has not set an end to any built-in kind that is here.
                request.annotate("k8s.io/deprecated", "true")
        verb = self._verb(registry, request, target)
        accept = request.headers.get("accept", "") if verb.negotiated else ""
        struct: type[Struct] = registry.resource.type
        # What is known of types is kept for good, which those of custom kinds must not be.
        protobuf = not is_custom(struct) and has_message(struct)
        # An answer to a question has no rows, and its metadata is empty.
        shapes = frozenset() if registry.resource.answered else verb.shapes
        form = accepted_form(accept, shapes, protobuf=protobuf)
        holds = (target.group, target.resource) in _HOLD_VALUES
        reads = self._reads if holds and not target.group else None
        if part is not None:
            registry = part.of(registry)
        elif self._sharing is not None and holds and not target.group:
            registry = for_node(registry, self._sharing, attributes, self._reads)
        call = Call(request, target, attributes, registry, form, self._authorizer)
        return Stages(call, verb, reads, holds)

    def _verb(self, registry: Registry[Any], request: Request, target: Target) -> Verb:
        resource = registry.resource
        self._check_scope(registry, target)
        offered: Iterable[str] = resource.verbs
        if target.subresource:
            if target.subresource == "log" and resource.plural == "pods" and self._logs:
                return self._log_verb(target)
            post = self._posts.get((resource.plural, target.subresource))
            if post is not None and target.verb == "create" and not resource.group:
                return post
            part = resource.subresource(target.subresource)
            if part is None:
                raise no_such_resource()
            offered = part.verbs
        if target.verb not in offered or request.method == "HEAD":
            raise wrong_method()
        # A new object is named by its body, one to change by the path.
        if bool(target.name) == (target.verb == "create") and target.verb in _NAMED:
            raise wrong_method()
        return VERBS[target.verb]

    def _check_scope(self, registry: Registry[Any], target: Target) -> None:
        """Refuse paths that upstream has no route for."""
        resource = registry.resource
        if resource.answered and target.name:
            raise no_such_resource()
        if not resource.namespaced:
            if target.namespace and resource.plural != "namespaces":
                raise no_such_resource()
            return
        if not target.namespace and (target.verb not in ("list", "watch") or target.subresource):
            # Across all namespaces there is the collection, which can only be read.
            raise no_such_resource() if target.name else wrong_method()

    def _log_verb(self, target: Target) -> Verb:
        if target.verb != "get" or self._logs is None:
            raise wrong_method()
        return self._logs.verb
