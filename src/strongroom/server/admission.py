"""Admission as this server does it: the plugins in their order, and what they may ask of the rest.

The plugins are needed to make the registries that they ask, so ``kinds`` is set when those exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from strongroom.access.admission.alerts import AlertAcknowledgement
from strongroom.access.admission.certificates import (
    CertificateApproval,
    CertificateSigning,
    CertificateSubjectRestriction,
    ClusterTrustBundleAttest,
    PodCertificateSigning,
)
from strongroom.access.admission.inuseguard import InUseGuard
from strongroom.access.admission.lifecycle import NamespaceLifecycle
from strongroom.access.admission.limitranger import LimitRanger
from strongroom.access.admission.noderestriction import NodeRestriction
from strongroom.access.admission.policy.plugin import ValidatingPolicies
from strongroom.access.admission.policy.reading import ParamReaders
from strongroom.access.admission.port import AdmissionPlugin
from strongroom.access.admission.priority import Priority
from strongroom.access.admission.quota.plugin import QuotaAdmission
from strongroom.access.admission.secretuse import SecretUse
from strongroom.access.admission.serviceaccount import ServiceAccountAdmission
from strongroom.access.admission.webhook.choosing import Surroundings
from strongroom.access.admission.webhook.mutating import MutatingWebhooks
from strongroom.access.admission.webhook.validating import ValidatingWebhooks
from strongroom.access.authz.port import Authorizer
from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError, internal_error
from strongroom.api.meta import Object
from strongroom.registry.registry import Registry
from strongroom.resources.limitrange import LIMIT_RANGES, LimitRange
from strongroom.resources.priorityclass import PRIORITY_CLASSES, PriorityClass
from strongroom.resources.resource import Resource
from strongroom.resources.secret_expiry import SOON_USED
from strongroom.resources.webhook_configuration import (
    MUTATING_WEBHOOKS,
    VALIDATING_WEBHOOKS,
    MutatingWebhookConfiguration,
    ValidatingWebhookConfiguration,
)
from strongroom.server.accounts import Accounts
from strongroom.server.bootstrap import NamespacePhases, own_context
from strongroom.server.kinds import Kinds
from strongroom.server.policies import PolicySurroundings
from strongroom.server.quotas import QuotaStore
from strongroom.server.secret_users import SecretUsers
from strongroom.server.services import Services
from strongroom.server.sharing_check import SecretSharing
from strongroom.server.signers import SignerRights
from strongroom.server.webhooks import HTTPWebhookCaller


class Cluster:
    """Answers the questions of plugins from the registries; before there are any, with nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.kinds = Kinds()

    def registry(self, group: str, plural: str) -> Registry[Any] | None:
        """The registry of a kind of the catalogue, if it is there yet."""
        try:
            return self.kinds.registry(group, plural)
        except KeyError:
            return None

    def held(self, resource: Resource[Any], namespace: str = "") -> Sequence[Object]:
        """All objects of a kind in a namespace, or everywhere, as the cache has them.

        Costs a look-up where the kind has no objects. Raises StatusError 500 when one cannot be
        read: what it demands is not known, and so nothing may be admitted.
        """
        registry = self.registry(resource.group, resource.plural)
        if registry is None or not len(registry.cache):
            return ()
        entries = registry.cache.list(resource.prefix(namespace)).items
        if any(entry.error for entry in entries):
            raise internal_error(f"an object of {resource.group_resource} cannot be read")
        return [entry.item.obj for entry in entries]

    def mutating(self) -> Sequence[MutatingWebhookConfiguration]:
        """Configurations in the order of their names, which is the cache's."""
        return self.held(MUTATING_WEBHOOKS)  # type: ignore[return-value]  # of this kind only

    def validating(self) -> Sequence[ValidatingWebhookConfiguration]:
        """Configurations in the order of their names, which is the cache's."""
        return self.held(VALIDATING_WEBHOOKS)  # type: ignore[return-value]  # of this kind only

    def limit_ranges(self, namespace: str) -> Sequence[LimitRange]:
        """The LimitRanges of a namespace."""
        return self.held(LIMIT_RANGES, namespace)  # type: ignore[return-value]  # of this kind only

    def priority_classes(self) -> Sequence[PriorityClass]:
        """All PriorityClasses."""
        return self.held(PRIORITY_CLASSES)  # type: ignore[return-value]  # of this kind only

    async def labels(self, namespace: str) -> Mapping[str, str] | None:
        """The labels of a namespace; one that the cache does not know is looked for once more."""
        registry = self.registry("", "namespaces")
        if registry is None:
            return None
        for freshness in ("0", ""):
            try:
                ctx = own_context(self._clock, "get", "namespaces")
                return (await registry.get(ctx, "", namespace, freshness)).labels
            except StatusError as error:
                if error.code != 404:
                    raise
        return None

    def equivalents(self, resource: Resource[Any]) -> Sequence[Resource[Any]]:
        """The other resources that serve the same stored objects."""
        fixed = [r.resource for r in self.kinds.fixed()]
        same = [r for r in fixed if r is not resource and r.prefix() == resource.prefix()]
        versions = [
            kind.whole()
            for kind in self.kinds.custom()
            if (kind.resource.group, kind.resource.plural) == (resource.group, resource.plural)
            and kind.resource.version != resource.version
        ]
        return [*same, *versions]


class AdmissionParts:
    """The plugins in upstream's order, without those ``disabled``, named as upstream names them.

    Who uses a Secret is warned when it expires as ``soon`` as this.

    ``close`` ends connections to webhooks.
    """

    def __init__(
        self,
        clock: Clock,
        authorizer: Authorizer,
        disabled: frozenset[str] = frozenset(),
        soon: timedelta = SOON_USED,
    ) -> None:
        self.cluster = Cluster(clock)
        self.phases = NamespacePhases(clock)
        self._caller = HTTPWebhookCaller(Services(self.cluster.registry))
        around = Surroundings(self.cluster, self.cluster)
        accounts = Accounts(self.cluster.registry, authorizer, clock)
        makers: tuple[AdmissionPlugin, ...] = (
            LimitRanger(self.cluster),
            ServiceAccountAdmission(accounts),
            Priority(self.cluster),
        )
        limits, account, priority = makers
        again = [plugin for plugin in makers if plugin.name not in disabled]
        signers = SignerRights(authorizer)
        self.users = SecretUsers(self.cluster.registry, clock)
        quotas = QuotaStore(self.cluster.held, self.cluster.registry, clock)
        plugins: tuple[AdmissionPlugin, ...] = (
            NamespaceLifecycle(self.phases),
            limits,
            account,
            NodeRestriction(accounts),
            priority,
            ClusterTrustBundleAttest(signers),
            CertificateApproval(signers),
            CertificateSigning(signers),
            PodCertificateSigning(signers),
            AlertAcknowledgement(),
            CertificateSubjectRestriction(signers),
            MutatingWebhooks(self.cluster, self._caller, around, again),
            *self._policies(authorizer, clock),
            SecretUse(self.users, clock, soon),
            InUseGuard(self.users),
            SecretSharing(authorizer),
            ValidatingWebhooks(self.cluster, self._caller, around),
            QuotaAdmission(quotas, clock),
        )
        self.plugins = tuple(plugin for plugin in plugins if plugin.name not in disabled)

    def _policies(self, authorizer: Authorizer, clock: Clock) -> tuple[AdmissionPlugin, ...]:
        around = PolicySurroundings(self.cluster, authorizer, clock)
        judges = ValidatingPolicies(around, around, self.cluster, self.cluster)
        return ParamReaders(around, around), judges

    def attach(self, kinds: Kinds) -> None:
        """Let the plugins ask the registries, which exist and are started now."""
        self.cluster.kinds = kinds
        self.phases.registry = kinds.registry("", "namespaces")

    async def close(self) -> None:
        """End the connections to webhooks."""
        await self._caller.close()
