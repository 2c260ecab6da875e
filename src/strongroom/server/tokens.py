"""Tokens of ServiceAccounts in this server: keys, the issuer, and who judges them by what.

Made before the registries, which its authenticator asks once ``attach`` has given them.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry, Counter

from strongroom.access.authn.account_tokens import AccountTokens
from strongroom.access.authn.bearer import ForServer
from strongroom.access.authn.bootstrap import BootstrapTokens
from strongroom.access.authn.bound_tokens import BoundTokens
from strongroom.access.authn.issuing import Issuer
from strongroom.access.authn.objects import Stored
from strongroom.access.authn.port import AudienceAwareAuthenticator
from strongroom.access.authn.secret_tokens import SecretTokens
from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.api.meta import Object
from strongroom.api.patch import PatchType
from strongroom.registry.registry import Registry
from strongroom.resources.legacy_tokens import LAST_USED_LABEL
from strongroom.resources.secret import Secret
from strongroom.server.bootstrap import own_context
from strongroom.server.kinds import Kinds
from strongroom.server.token_keys import KeyFiles, default_files
from strongroom.server.token_options import TokenOptions
from strongroom.storage.errors import StoreError
from strongroom.storage.port import Store
from strongroom.telemetry import log

logger = logging.getLogger("strongroom.server")

_COUNTED = {
    "legacy": ("serviceaccount_legacy_tokens_total", "Uses of tokens that Secrets keep."),
    "legacy_auto": (
        "serviceaccount_legacy_auto_token_uses_total",
        "Uses of tokens in Secrets that their account lists.",
    ),
    "legacy_manual": (
        "serviceaccount_legacy_manual_token_uses_total",
        "Uses of tokens in Secrets that somebody made.",
    ),
    "legacy_invalid": (
        "serviceaccount_invalid_legacy_auto_token_uses_total",
        "Attempted uses of tokens in Secrets that are marked invalid.",
    ),
    "valid": ("serviceaccount_valid_tokens_total", "Uses of renewed tokens of pods."),
    "stale": ("serviceaccount_stale_tokens_total", "Uses of tokens that should be renewed."),
}


class CoreObjects:
    """Objects of core kinds from the caches of this process, brought up to every known write."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.kinds = Kinds()

    @property
    def revision(self) -> int:
        """The newest that is known, as for any consistent read."""
        return self._store.current_revision

    async def find(self, plural: str, namespace: str, name: str) -> Stored | None:
        """An object as it stands. Raises StatusError 504 when the cache cannot catch up."""
        registry = self.kinds.registry("", plural)
        if registry.cache.revision < self._store.current_revision:
            await registry.catch_up()
        entry = registry.cache.get(registry.resource.key(namespace, name))
        # One that cannot be read proves nothing.
        return None if entry is None or entry.error is not None else entry.item

    async def get(self, plural: str, namespace: str, name: str) -> Object | None:
        """As ``find``, for one look."""
        stored = await self.find(plural, namespace, name)
        return None if stored is None else stored.peek()


class UseLabels:
    """Labels Secrets with the day on which their token was used; nobody waits for it."""

    def __init__(self, objects: CoreObjects, clock: Clock) -> None:
        self._objects = objects
        self._clock = clock
        self._writing: dict[str, asyncio.Task[None]] = {}

    def used(self, secret: Secret, day: str) -> None:
        """A Secret's token was used; what is being written already is not written again."""
        uid = secret.metadata.uid
        if uid not in self._writing:
            task = asyncio.create_task(self._write(secret, day))
            self._writing[uid] = task
            task.add_done_callback(lambda _: self._writing.pop(uid, None))

    async def close(self) -> None:
        """Let the writes under way finish."""
        await asyncio.gather(*self._writing.values(), return_exceptions=True)

    async def _write(self, secret: Secret, day: str) -> None:
        meta = secret.metadata
        registry: Registry[Secret] = self._objects.kinds.registry("", "secrets")
        ctx = own_context(self._clock, "patch", "secrets", namespace=meta.namespace)
        # The UID keeps the label from another Secret that has got the name meanwhile.
        patch = {"metadata": {"uid": meta.uid, "labels": {LAST_USED_LABEL: day}}}
        body = msgspec.json.encode(patch)
        try:
            await registry.patch(ctx, meta.namespace, meta.name, PatchType.MERGE, body)
        except (StatusError, StoreError) as error:
            log(logger, logging.WARNING, "the use of a token is not noted", error)


def _keys(options: TokenOptions, pki: Path, clock: Clock) -> KeyFiles:
    private, public = default_files(pki)
    given = options.service_account_signing_key_file
    others = options.service_account_key_file
    if not others and (given is None or public.exists()):
        others = (public,)
    return KeyFiles(given or private, others, clock)


class Tokens:
    """All of it, put together."""

    def __init__(self, options: TokenOptions, pki: Path, store: Store, clock: Clock) -> None:
        self.keys = _keys(options, pki, clock)
        self.options = options
        self.issuer = Issuer(self.keys, options.service_account_issuer[0])
        self.objects = CoreObjects(store)
        self.labels = UseLabels(self.objects, clock)
        self._counters: dict[str, Counter] = {}
        bound = BoundTokens(self.objects, clock, self._count)
        in_secrets = SecretTokens(
            self.objects,
            clock,
            self._count,
            self.labels.used,
            lookup=options.service_account_lookup,
        )
        audiences = options.api_audiences
        accounts = AccountTokens(
            self.keys,
            options.service_account_issuer,
            audiences,
            bound,
            in_secrets,
            self.objects,
            clock,
        )
        self.authenticators: list[AudienceAwareAuthenticator] = [accounts]
        if options.enable_bootstrap_token_auth:
            self.authenticators.append(ForServer(BootstrapTokens(self.objects, clock), audiences))

    def attach(self, kinds: Kinds, metrics: CollectorRegistry) -> None:
        """Let the authenticator ask the registries, which exist and are started now."""
        self.objects.kinds = kinds
        for name, (metric, description) in _COUNTED.items():
            self._counters[name] = Counter(metric, description, registry=metrics)

    def _count(self, name: str) -> None:
        if counter := self._counters.get(name):
            counter.inc()
