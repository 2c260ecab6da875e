"""The way of every request, from its URL to the bytes of its answer.

Nothing of a body is read before the request is authenticated and authorized. Admission is a stage
of the registry, because on update and patch it judges the merged object, inside the loop that
compares and swaps.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from strongroom.access.authn.port import AuthenticationFailed, Authenticator, Credentials
from strongroom.access.authz.port import Authorizer, Verdict
from strongroom.access.authz.union import refusal
from strongroom.access.impersonation import Impersonation
from strongroom.access.user import Attributes, User
from strongroom.api.audit import DECISION, REASON
from strongroom.api.errors import unauthorized
from strongroom.server.audit.record import QUIET_PATHS, Audit, Record
from strongroom.server.endpoints import Endpoints
from strongroom.server.fairness import Fairness, Flow, Overloaded
from strongroom.server.kept import Kept
from strongroom.server.partial import Part, PartialAccess
from strongroom.server.reply import Reply, StreamReply, internal_server_error, too_many_requests
from strongroom.server.request import Request
from strongroom.server.routes import Routes, page_not_found
from strongroom.server.urls import Target, parse_target

logger = logging.getLogger("strongroom.server")

_ASKERS = 16
"""Users of the same URL whose question to the authorizer is kept."""


INTERNAL = "internal error"
"""The reason on record where an authorizer failed; what failed is in the log."""


class Undecided(Exception):
    """Whether a request is allowed cannot be told, because an authorizer failed."""


@dataclass(slots=True)
class Progress:
    """How far a request has come: what the audit log and the metrics tell of it at the end."""

    target: Target | None = None
    record: Record | None = None


class Pipeline:
    """The stages, in their order. ``serve`` raises StatusError for whatever is refused."""

    def __init__(
        self,
        authenticator: Authenticator,
        audit: Audit,
        authorizer: Authorizer,
        routes: Routes,
        endpoints: Endpoints,
        fairness: Fairness,
        partial: PartialAccess | None = None,
        fresh: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """``fresh`` makes known what the request is to be judged by, where others write too."""
        self._fresh = fresh
        self._authenticator = authenticator
        self._audit = audit
        self._authorizer = authorizer
        self._impersonation = Impersonation(authorizer)
        self._routes = routes
        self._endpoints = endpoints
        self._fairness = fairness
        self._partial = partial
        self._asked: Kept[Target, dict[str, Attributes]] = Kept(lambda _: {})

    async def serve(self, request: Request, progress: Progress) -> Reply | StreamReply:
        """One request. ``progress`` is kept up to date, since any stage may end the request."""
        target = self._parse_url(request, progress)
        if self._fresh is not None and target.path not in QUIET_PATHS:
            # Those are answered at once, also while the store is gone.
            await self._fresh()
        user = await self._authenticate(request, target, progress)
        acting = await self._impersonation.acting(user, request.headers)
        if acting is not None:
            user = acting
            if progress.record is not None:
                progress.record.impersonated = acting
        attributes = self._attributes(target, user)
        try:
            part = await self._authorize(request, target, attributes, progress)
        except Undecided as error:
            return internal_server_error(request, str(error))
        flow = self._fairness.flow(user, target)
        if flow is None:
            return await self._work(request, target, attributes, part)
        try:
            return await self._work_in_turn(request, target, attributes, part, flow)
        except Overloaded:
            return too_many_requests()

    async def _work_in_turn(
        self,
        request: Request,
        target: Target,
        attributes: Attributes,
        part: Part | None,
        flow: Flow,
    ) -> Reply | StreamReply:
        """The work of a request that shares the server with others."""
        fairness, verb, sent = self._fairness, target.verb, 0
        if request.incoming is not None:
            # Before it takes a seat: a slow upload is nobody's work.
            await fairness.receive(flow, request)
        await fairness.enter(flow, request, verb)
        try:
            reply = await self._work(request, target, attributes, part)
            if isinstance(reply, StreamReply):
                fairness.watch(flow)
                reply.ended = lambda: fairness.unwatch(flow)
            else:
                sent = len(reply.body)
            return reply
        finally:
            fairness.leave(flow, verb, request.received_bytes, sent)
            request.rest = fairness.rest(flow)

    async def _work(
        self, request: Request, target: Target, attributes: Attributes, part: Part | None
    ) -> Reply | StreamReply:
        if not target.is_resource:
            return await self._serve_path(request, target)
        call = await self._endpoints.open(request, target, attributes, part)
        await call.decode_body()
        outcome = await call.run()  # admission and the registry
        return await call.encode(outcome)

    def _attributes(self, target: Target, user: User) -> Attributes:
        """What is asked about, by whom: the same as last time, more often than not."""
        if not target.lasting:
            return target.attributes(user)
        asked = self._asked.of(target)
        known = asked.get(user.name)
        if known is None or known.user is not user:
            if len(asked) >= _ASKERS:
                asked.clear()
            known = asked[user.name] = target.attributes(user)
        return known

    def _parse_url(self, request: Request, progress: Progress) -> Target:
        try:
            target = parse_target(request.method, request.path, request.query)
        except BaseException:
            progress.record = self._audit.begin(request, None, None)
            raise
        progress.target = target
        return target

    async def _authenticate(self, request: Request, target: Target, progress: Progress) -> User:
        """The user. The audit record begins here, with or without one."""
        user, failure = None, None
        try:
            user = await self._authenticator.authenticate(
                Credentials(
                    request.headers,
                    request.certificate,
                    target.path,
                    request.warnings,
                    request.annotations,
                )
            )
        except AuthenticationFailed as error:
            failure = error
        except BaseException:
            # Nobody can tell now whose credentials these are: on record as nobody's.
            progress.record = self._audit.begin(request, target, None)
            raise
        progress.record = self._audit.begin(request, target, user)
        if user is None:
            raise unauthorized() from failure
        return user

    async def _authorize(
        self, request: Request, target: Target, attributes: Attributes, progress: Progress
    ) -> Part | None:
        """Refuse, or say which part of the answer may be given; None is all of it."""
        part, decision = None, await self._authorizer.authorize(attributes)
        allowed = decision.verdict is Verdict.ALLOW
        if not allowed and not decision.error and self._partial is not None:
            part, decision = await self._partial.part(request, target, attributes, decision)
            allowed = part is not None
        undecided = bool(decision.error) and not allowed
        if progress.record is not None:
            if not undecided:
                progress.record.annotations[DECISION] = "allow" if allowed else "forbid"
            progress.record.annotations[REASON] = INTERNAL if undecided else decision.reason
        if undecided:
            raise Undecided(decision.error)
        if not allowed:
            raise refusal(attributes, decision.reason)
        return part

    async def _serve_path(self, request: Request, target: Target) -> Reply | StreamReply:
        handler = await self._routes.find(target.path, request.method)
        if handler is None:
            return page_not_found()
        return await handler(request, target)
