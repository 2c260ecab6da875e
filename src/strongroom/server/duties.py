"""What a server does only once, however many processes it has: one of them takes it up.

Whoever took it up may die at any point: everything here finds in the store what is left to do.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.registry.registry import Registry
from strongroom.resources.crd import CUSTOM_RESOURCE_DEFINITIONS
from strongroom.server.bootstrap import ensure_namespaces
from strongroom.server.builtins import APIServices, ensure_builtins
from strongroom.server.clusterinfo import ensure_cluster_info, public_url
from strongroom.server.defaultroles import ensure_default_roles
from strongroom.server.definitions import Definitions
from strongroom.server.extension_authentication import ensure_extension_authentication
from strongroom.server.history import SecretHistory
from strongroom.server.history_pruning import PRUNING, HistoryPruner
from strongroom.server.kinds import Kinds
from strongroom.server.legacy_tracking import ensure_tracking
from strongroom.server.maintenance import EVENT_SWEEP, Compactor, EventSweeper, keep_doing
from strongroom.server.options import Options
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


async def take_up(
    options: Options,
    url: str,
    store: Store,
    kinds: Kinds,
    tokens: Tokens,
    tls: TLSFiles,
    clock: Clock,
    stack: contextlib.AsyncExitStack,
) -> None:
    """Make what every cluster has, and begin to look after the rest until ``stack`` ends it.

    Raises StatusError when the store refuses a write.
    """

    async def ensure(*more: Awaitable[None]) -> None:
        await ensure_namespaces(kinds.registry("", "namespaces"), clock)
        network = options.service_cluster_ip_range
        await asyncio.gather(
            ensure_builtins(kinds, clock, network, options.bind, url),
            ensure_cluster_info(kinds, clock, public_url(url, options.bind), options.pki_dir),
            ensure_tracking(kinds, clock),
            ensure_extension_authentication(kinds, clock, options.tls, tls),
            *more,
        )

    await ensure(ensure_default_roles(kinds, clock))
    crds = CUSTOM_RESOURCE_DEFINITIONS
    # Admission has judged the deletion of the definition: its objects follow without asking.
    definitions = Definitions(
        kinds.registry(crds.group, crds.plural), clock, lambda r: Registry(r, store, (), clock)
    )
    stack.push_async_callback(definitions.close)
    _look_after_tokens(options, kinds, tokens, clock, stack)
    sweeper = EventSweeper(kinds.registry("", "events"), clock, options.event_ttl)
    history = SecretHistory(options.secret_history_limit)
    history.attach(kinds)
    pruner = HistoryPruner(kinds, history, clock, options.secret_history_max_age)
    keep_doing(options.compaction_interval, Compactor(store).turn, stack)
    keep_doing(EVENT_SWEEP, sweeper.turn, stack)
    keep_doing(PRUNING, pruner.turn, stack)
    keep_doing(BUILTINS, lambda: _unless_disturbed(ensure), stack)
    keep_doing(API_SERVICES, APIServices(kinds, clock).turn, stack)


def _look_after_tokens(
    options: Options,
    kinds: Kinds,
    tokens: Tokens,
    clock: Clock,
    stack: contextlib.AsyncExitStack,
) -> None:
    """Fill Secrets of tokens, and keep the keys that signed others."""
    authority = options.pki_dir / "ca.crt"
    filling = TokenSecrets(
        kinds.registry("", "secrets"),
        kinds.registry("", "serviceaccounts"),
        tokens.issuer,
        authority.read_bytes(),
        clock,
    )
    stack.push_async_callback(filling.close)
    if options.tokens.service_account_signing_key_file is None:
        keep_doing(KEYS, PublicKeys(tokens.keys, options.pki_dir).turn, stack)


async def _unless_disturbed(act: Callable[[], Awaitable[None]]) -> None:
    """Act; where somebody else changed the same object meanwhile, the next turn will do."""
    try:
        await act()
    except StatusError as error:
        if error.code not in (404, 409):
            raise
