"""What a server does only once, however many processes it has: one of them takes it up.

Whoever took it up may die at any point: everything here finds in the store what is left to do.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.registry.registry import Registry
from strongroom.resources.crd import CUSTOM_RESOURCE_DEFINITIONS
from strongroom.server.bootstrap import ensure_namespaces
from strongroom.server.builtins import APIServices, ensure_builtins, serving_at
from strongroom.server.clusterinfo import ensure_cluster_info, public_url
from strongroom.server.defaultroles import ensure_default_roles
from strongroom.server.definitions import Definitions
from strongroom.server.extension_authentication import ensure_extension_authentication
from strongroom.server.history import SecretHistory
from strongroom.server.history_pruning import PRUNING, HistoryPruner
from strongroom.server.kinds import Kinds
from strongroom.server.legacy_tracking import ensure_tracking
from strongroom.server.maintenance import EVENT_SWEEP, Compactor, EventSweeper, keep_doing
from strongroom.server.options import SQLITE, Options
from strongroom.server.shared_pki import SharedPKI
from strongroom.server.tls_files import TLSFiles
from strongroom.server.token_keys import PublicKeys
from strongroom.server.token_secrets import TokenSecrets
from strongroom.server.tokens import Tokens
from strongroom.storage.port import Store

BUILTINS = 10.0
"""Seconds between two looks at whether what every cluster has is still there, as upstream."""

API_SERVICES = 1.0
"""Seconds between two looks at which versions are served. Nobody waits for an APIService."""

KEYS = 1.0
"""Seconds between two looks at whether a new key signs tokens."""

PAUSE = 1.0
"""Seconds until a store that gave no answer is asked again at the start."""

UNANSWERED = "ServerTimeout"
"""The reason of what a store gave no answer to (see ``registry/errors.py``)."""

_TRIES = 10
"""How often what every cluster has is made while others make it too."""


class Duties:
    """What one process of a server does, and what one server does for all that share a store."""

    def __init__(
        self,
        options: Options,
        url: str,
        store: Store,
        kinds: Kinds,
        tokens: Tokens,
        tls: TLSFiles,
        clock: Clock,
    ) -> None:
        self._options, self._url, self._store = options, url, store
        self._kinds, self._tokens, self._tls, self._clock = kinds, tokens, tls, clock

    async def prepare(self) -> None:
        """Make what every cluster has; other servers may be about it too.

        A store that gives no answer for a moment, as etcd does while it elects, is asked again.
        Raises StatusError when the store refuses a write.
        """
        roles = ensure_default_roles
        for _ in range(_TRIES):
            with _disturbed() as found:
                await self._ensure(roles(self._kinds, self._clock))
            if not found:
                return
            if found[0].reason == UNANSWERED:
                await asyncio.sleep(PAUSE)
        await self._ensure(roles(self._kinds, self._clock))

    async def keep_keys(self, stack: contextlib.AsyncExitStack, *, shared: bool) -> None:
        """Keep the keys that signed tokens, and have them as the other servers have.

        Ends with ``stack``. Raises StoreError.
        """
        options = self._options
        if options.tokens.service_account_signing_key_file is not None:
            return
        keep_doing(KEYS, PublicKeys(self._tokens.keys, options.pki_dir).turn, stack)
        if shared:
            SharedPKI(self._store, options.pki_dir).follow(KEYS, stack)

    async def take_up(self, stack: contextlib.AsyncExitStack) -> None:
        """Look after all that only one may, until ``stack`` ends it."""
        options, kinds, clock = self._options, self._kinds, self._clock
        crds = CUSTOM_RESOURCE_DEFINITIONS
        # Admission has judged the deletion of the definition: its objects follow without asking.
        definitions = Definitions(
            kinds.registry(crds.group, crds.plural),
            clock,
            lambda r: Registry(r, self._store, (), clock),
        )
        stack.push_async_callback(definitions.close)
        self._fill_tokens(stack)
        sweeper = EventSweeper(kinds.registry("", "events"), clock, self._event_ttl())
        history = SecretHistory(options.secret_history_limit)
        history.attach(kinds)
        pruner = HistoryPruner(kinds, history, clock, options.secret_history_max_age)
        keep_doing(options.compaction_interval, Compactor(self._store).turn, stack)
        keep_doing(EVENT_SWEEP, sweeper.turn, stack)
        keep_doing(PRUNING, pruner.turn, stack)
        keep_doing(BUILTINS, self._look_after_builtins, stack)
        keep_doing(API_SERVICES, APIServices(kinds, clock).turn, stack)

    async def _ensure(self, *more: Awaitable[None]) -> None:
        options, kinds, clock = self._options, self._kinds, self._clock
        await ensure_namespaces(kinds.registry("", "namespaces"), clock)
        network = options.service_cluster_ip_range
        told = options.control_plane_endpoint or public_url(self._url, options.bind)
        points = await serving_at(self._store, self._url, options.bind)
        await asyncio.gather(
            ensure_builtins(kinds, clock, network, points),
            ensure_cluster_info(kinds, clock, told, options.pki_dir),
            ensure_tracking(kinds, clock),
            ensure_extension_authentication(kinds, clock, options.tls, self._tls),
            *more,
        )

    async def _look_after_builtins(self) -> None:
        with _disturbed():
            await self._ensure()

    def _event_ttl(self) -> float:
        """Where etcd ends Events by leases, only those that were put there without are left."""
        ttl = self._options.event_ttl
        return ttl if self._options.store.startswith(SQLITE) else 2 * ttl

    def _fill_tokens(self, stack: contextlib.AsyncExitStack) -> None:
        """Fill Secrets of tokens."""
        filling = TokenSecrets(
            self._kinds.registry("", "secrets"),
            self._kinds.registry("", "serviceaccounts"),
            self._tokens.issuer,
            (self._options.pki_dir / "ca.crt").read_bytes(),
            self._clock,
        )
        stack.push_async_callback(filling.close)


@contextlib.contextmanager
def _disturbed() -> Iterator[list[StatusError]]:
    """Tells whether another turn will do: somebody else changed the same object meanwhile, or the
    store gave no answer.
    """
    found: list[StatusError] = []
    try:
        yield found
    except StatusError as error:
        if error.code not in (404, 409) and error.reason != UNANSWERED:
            raise
        found.append(error)
