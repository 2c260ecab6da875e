"""The chain of authorizers, which a changed file replaces while the server runs.

Only webhooks come and go: as upstream, the other types that the file names at the start must stay,
and Node and RBAC cannot be added (``pkg/kubeapiserver/authorizer/reload.go``). A request that is
being judged is judged to its end by the chain that it began with.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry

from strongroom.access.authz.configuration import (
    AuthorizerPlan,
    Plans,
    WebhookPlan,
    plans_of_modes,
    read_plans,
)
from strongroom.access.authz.matching import MatchConditions
from strongroom.access.authz.modes import NODE, RBAC, WEBHOOK
from strongroom.access.authz.port import Authorizer, Decision
from strongroom.access.authz.union import MastersAuthorizer, NamedAuthorizer, UnionAuthorizer
from strongroom.access.authz.webhook import WebhookAuthorizer, WebhookSettings
from strongroom.access.user import Attributes
from strongroom.api.clock import Clock
from strongroom.api.configuration import BadConfiguration
from strongroom.kubeconfig import InvalidKubeconfig
from strongroom.server.authorization_metrics import AuthorizationMetrics
from strongroom.server.authorization_options import AuthorizationOptions
from strongroom.server.reloading import BadFile, Reloading, read
from strongroom.server.review_client import TIMEOUT, ReviewClient
from strongroom.server.webhook_endpoint import WebhookEndpoint, read_endpoint

_MASTERS = "system:masters"


class Authorizers:
    """Asks the authorizers that are configured now. ``close`` ends connections to webhooks.

    ``known`` are those of this server, by type. Raises BadFile for what cannot be used.
    """

    def __init__(
        self, options: AuthorizationOptions, known: Mapping[str, Authorizer], clock: Clock
    ) -> None:
        self.metrics = AuthorizationMetrics(clock)
        self._options = options
        self._known = known
        self._clock = clock
        self._clients: list[ReviewClient] = []
        self._files: tuple[Path, ...] = self._config_files()
        # Made first, so that what changes while the files are read is seen as a change.
        self._reloading = Reloading(
            self._watched,
            self._load_again,
            what="the authorizers",
            counted=self._count,
        )
        self.plans: Plans = ()
        self._needed: frozenset[str] | None = None
        """The types of the start, webhooks aside, once it is over."""
        self._read, self._same = b"", False
        self._load()
        self._needed = self._types() - {WEBHOOK}

    @property
    def exhaustive(self) -> bool:
        """Whether nobody outside this server decides, now or after a change of the file."""
        return not self._options.authorization_config and WEBHOOK not in self._types()

    async def authorize(self, attributes: Attributes) -> Decision:
        """What the chain says."""
        return await self._chain.authorize(attributes)

    def begin(self, registry: CollectorRegistry, stack: contextlib.AsyncExitStack) -> None:
        """Show metrics, and follow the files until ``stack`` ends it."""
        self.metrics.register(registry)
        if self._files:
            self._reloading.begin(stack)

    async def look(self) -> None:
        """Read the files again if they have changed."""
        await self._reloading.turn()

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            await client.close()

    def _types(self) -> frozenset[str]:
        return frozenset(plan.type for plan in self.plans)

    def _config_files(self) -> tuple[Path, ...]:
        file = self._options.authorization_config
        return () if file is None else (file,)

    def _watched(self) -> tuple[Path, ...]:
        return self._files

    def _content(self) -> bytes:
        """A digest of what stands in the files, as far as they can be read."""
        digest = hashlib.sha256()
        for path in self._files:
            with contextlib.suppress(OSError):
                digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.digest()

    def _count(self, good: bool) -> None:
        if self._options.authorization_config and not (good and self._same):
            self.metrics.reloaded(good)

    async def _load_again(self) -> None:
        content = self._content()
        # What was only touched changes nothing, and answers that are kept stay.
        self._same = content == self._read
        if self._same:
            return
        before = self._clients
        self._load()
        for client in before:
            await client.retire()

    def _load(self) -> None:
        """Put into use what the files say. Raises BadFile, and then all is as before.

        The digest is taken before the files are read, so that what changes in between is seen; of
        files that were not known before, by reading them twice.
        """
        files, content = self._files, self._content()
        self._put()
        if self._files != files:
            content = self._content()
            self._put()
        self._read = content

    def _put(self) -> None:
        file = self._options.authorization_config
        content = b"" if file is None else read(file)
        try:
            plans = self._plans(content)
            types = {plan.type for plan in plans}
            added = types & {NODE, RBAC} - self._needed if self._needed is not None else set()
            if added:
                why = "is not allowed if it was not enabled at initial server startup"
                raise BadConfiguration(f"authorizer type {min(added)} {why}")
            endpoints = {
                plan.name: read_endpoint(plan.webhook.kubeconfig)
                for plan in plans
                if plan.webhook is not None
            }
        except InvalidKubeconfig as error:
            raise BadFile(str(error)) from error
        except BadConfiguration as error:
            raise BadFile(f"{file}: {error}") from error
        clients: list[ReviewClient] = []
        chain = [self._named(plan, endpoints.get(plan.name), clients) for plan in plans]
        masters = NamedAuthorizer(_MASTERS, MastersAuthorizer())
        self._chain = UnionAuthorizer([masters, *chain])
        self.plans, self._clients = plans, clients
        named = [path for endpoint in endpoints.values() for path in endpoint.files]
        self._files = (*self._config_files(), *dict.fromkeys(named))
        self.metrics.configured(content)

    def _plans(self, content: bytes) -> Plans:
        options = self._options
        if options.authorization_config is not None:
            return read_plans(content, self._needed or ())
        file = options.authorization_webhook_config_file
        webhook = None
        if file is not None:
            webhook = WebhookPlan(
                file,
                TIMEOUT,
                options.authorization_webhook_version,
                options.authorization_webhook_cache_authorized_ttl,
                options.authorization_webhook_cache_unauthorized_ttl,
            )
        return plans_of_modes(options.authorization_mode, webhook)

    def _named(
        self, plan: AuthorizerPlan, endpoint: WebhookEndpoint | None, clients: list[ReviewClient]
    ) -> NamedAuthorizer:
        tally = self.metrics.tally(plan.type, plan.name)
        if plan.webhook is None or endpoint is None:
            return NamedAuthorizer(plan.name, self._known[plan.type], tally)
        client = self._client(plan.name, endpoint, plan.webhook.timeout)
        clients.append(client)
        settings = self._settings(plan.name, plan.webhook)
        return NamedAuthorizer(plan.name, WebhookAuthorizer(client, settings, self._clock), tally)

    def _client(self, name: str, endpoint: WebhookEndpoint, seconds: float) -> ReviewClient:
        def counted(result: str, code: int, seconds: float) -> None:
            self.metrics.called(name, result, seconds)

        return ReviewClient(endpoint, self._clock, seconds=seconds, counted=counted)

    def _settings(self, name: str, plan: WebhookPlan) -> WebhookSettings:
        conditions = None
        if plan.conditions:
            measured = partial(self.metrics.judged, name)
            conditions = MatchConditions(plan.conditions, self._clock, measured)
        return WebhookSettings(
            name,
            plan.version,
            plan.authorized_ttl,
            plan.unauthorized_ttl,
            plan.on_failure,
            conditions,
            partial(self.metrics.failed_open, name),
        )
