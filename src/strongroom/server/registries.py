"""The registries of all kinds, with what judges and keeps what is written in them."""

from __future__ import annotations

import contextlib
from typing import Any

from strongroom.api.clock import Clock
from strongroom.registry.answering import Answer, AnsweringRegistry
from strongroom.registry.registry import Registry
from strongroom.resources.catalog import CATALOG
from strongroom.resources.crd import CUSTOM_RESOURCE_DEFINITIONS
from strongroom.resources.encryptionoperation import ENCRYPTION_OPERATIONS
from strongroom.resources.service import SERVICES
from strongroom.server.admission import AdmissionParts
from strongroom.server.certificate_kinds import judged
from strongroom.server.customkinds import CustomKinds
from strongroom.server.encryption.operations import EncryptionOperations
from strongroom.server.freshness import Freshness
from strongroom.server.gate import Gate
from strongroom.server.given import Given
from strongroom.server.history import SecretHistory
from strongroom.server.kinds import Kinds
from strongroom.server.options import Options
from strongroom.server.reviews import ReviewParts, reviews
from strongroom.server.service_addresses import ServiceAddresses, ServiceRegistry


async def start_registries(
    options: Options,
    given: Given,
    clock: Clock,
    gate: Gate,
    operations: EncryptionOperations,
    stack: contextlib.AsyncExitStack,
) -> Kinds:
    """Make and start them; ``stack`` closes them. Raises StoreError."""
    authorization = gate.authorization
    store, addresses = given.store, ServiceAddresses(options.service_cluster_ip_range)
    soon = options.secrets.secret_expiry_warning
    admission = AdmissionParts(clock, authorization.authorizer, options.disabled_plugins, soon)
    stack.push_async_callback(admission.close)
    plugins = (authorization.creation, *admission.plugins, authorization.escalation)
    if given.behind:
        cluster = admission.cluster  # Its kinds are attached when they are there, below.
        plugins = (Freshness(store, lambda: cluster.kinds.fixed()), *plugins)  # noqa: PLW0108 - as above
    history = SecretHistory(options.secret_history_limit)
    parts = ReviewParts(
        authorization.authorizer, gate.authentication.reviewer, authorization.rules_of
    )
    operated = ENCRYPTION_OPERATIONS.group, ENCRYPTION_OPERATIONS.plural
    answers: dict[tuple[str, str], Answer[Any]] = {**reviews(parts), operated: operations}
    kinds = Kinds(
        (
            ServiceRegistry(addresses, given.turns, r, store, (*plugins, addresses), clock)
            if r is SERVICES
            else Registry(
                judged(r, clock), store, history.judges(r, plugins), clock, companions=history.of(r)
            )
            for r in CATALOG.all()
            if not r.answered
        ),
        (
            AnsweringRegistry(r, plugins, answers[r.group, r.plural])
            for r in CATALOG.all()
            if r.answered
        ),
    )
    for registry in kinds.fixed():
        await registry.start()
        stack.push_async_callback(registry.close)
    crds = CUSTOM_RESOURCE_DEFINITIONS
    definitions = kinds.registry(crds.group, crds.plural)
    served = CustomKinds(kinds, definitions, store, lambda r: Registry(r, store, plugins, clock))
    stack.push_async_callback(served.close)
    admission.attach(kinds)
    history.attach(kinds)
    gate.attach(kinds)
    admission.users.sharing = gate.sharing
    return kinds
