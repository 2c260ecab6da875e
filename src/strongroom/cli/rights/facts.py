"""What has to be known of a cluster to say who may what: roles, bindings, pods that use Secrets.

No Secret is read. What may not be listed is told, since what it gives is then not in the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from strongroom.api.errors import StatusError
from strongroom.api.meta import Object
from strongroom.cli.rights.held import Grant, Held, Right, RoleKey, Whom, grants_of, roles_of
from strongroom.resources.clusterrole import CLUSTER_ROLES
from strongroom.resources.clusterrolebinding import CLUSTER_ROLE_BINDINGS
from strongroom.resources.pod import PODS, Pod
from strongroom.resources.rbac_rules import Rule
from strongroom.resources.role import ROLES
from strongroom.resources.rolebinding import ROLE_BINDINGS
from strongroom.resources.secret_use import has_ended, references_to_secrets
from strongroom.resources.secretgrant import SECRET_GRANTS, SecretGrant
from strongroom.resources.selfsubjectrulesreview import (
    SELF_SUBJECT_RULES_REVIEWS,
    SelfSubjectRulesReview,
    SelfSubjectRulesReviewSpec,
)

if TYPE_CHECKING:
    from strongroom.client.client import Client
    from strongroom.resources.resource import Resource

_NOT_LISTED = "webhook authorizer does not support user rule resolution"

K = TypeVar("K")
T = TypeVar("T", bound=Object)


@dataclass(frozen=True, slots=True)
class Using:
    """A pod that has not ended, with the Secrets that it uses; ``node`` may be empty yet."""

    namespace: str
    name: str
    node: str
    secrets: frozenset[str]

    def uses(self, namespace: str, secret: str) -> bool:
        """Whether it uses this Secret of its namespace, or any at all if that is empty."""
        return self.namespace == namespace and (not secret or secret in self.secrets)


@dataclass
class Facts:
    """What is known of a cluster, unchanged once it was asked. ``unseen`` says what is not."""

    roles: dict[RoleKey, Held] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    pods: list[Using] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    shares: list[SecretGrant] = field(default_factory=list)
    """Where the server is strongroom's: what is shared with other namespaces."""
    webhook: bool = False
    """Whether a webhook decides besides."""

    def shared_with(self, namespace: str, name: str) -> list[str]:
        """The namespaces that a Secret is shared with, or any of the namespace without a name."""
        return sorted(
            {
                to.namespace
                for grant in self.shares
                if grant.metadata.namespace == namespace
                and any(name in ("", secret.name) for secret in grant.spec.secrets)
                for to in grant.spec.to
            }
        )

    @cached_property
    def _by_namespace(self) -> dict[str, list[Grant]]:
        return _grouped(self.grants, lambda grant: grant.namespace)

    @cached_property
    def _by_whom(self) -> dict[Whom, list[Grant]]:
        return _grouped(self.grants, lambda grant: grant.whom)

    def namespaces(self) -> list[str]:
        """Those that something is known of."""
        known = self._by_namespace.keys() | {pod.namespace for pod in self.pods}
        return sorted(known - {""}) or ["default"]

    def holding(self, namespace: str, rights: Sequence[Right]) -> Iterator[tuple[Grant, Rule]]:
        """The grants that give any of these rights in a namespace (outside of all if empty)."""
        for where in dict.fromkeys(("", namespace)):
            yield from _covered(self._by_namespace.get(where, ()), rights)

    def holds(self, whom: Whom, namespace: str | None, rights: Sequence[Right]) -> bool:
        """Whether a subject has any of these rights in a namespace, or anywhere if that is None."""
        grants = self._by_whom.get(whom, ())
        here = [g for g in grants if namespace is None or g.namespace in ("", namespace)]
        return any(True for _ in _covered(here, rights))


def _grouped(grants: Iterable[Grant], key: Callable[[Grant], K]) -> dict[K, list[Grant]]:
    groups: dict[K, list[Grant]] = {}
    for grant in grants:
        groups.setdefault(key(grant), []).append(grant)
    return groups


def _covered(grants: Iterable[Grant], rights: Sequence[Right]) -> Iterator[tuple[Grant, Rule]]:
    for grant in grants:
        rule = next((r for wanted in rights if (r := grant.held.covering(wanted))), None)
        if rule is not None:
            yield grant, rule


async def read_facts(client: Client, namespace: str, *, pods: bool) -> Facts:
    """Ask for what concerns a namespace, or all. Raises StatusError, ClientFailure."""
    facts = Facts()
    roles = await _listed(client, ROLES, namespace, facts)
    facts.roles = roles_of(roles, await _listed(client, CLUSTER_ROLES, "", facts))
    bound = await _listed(client, ROLE_BINDINGS, namespace, facts)
    everywhere = await _listed(client, CLUSTER_ROLE_BINDINGS, "", facts)
    facts.grants = list(grants_of([*bound, *everywhere], facts.roles))
    facts.webhook = await _webhook_decides(client)
    if pods:
        found = await _listed(client, PODS, namespace, facts, only=True)
        facts.pods = list(using(found))
        facts.shares = await _shares(client, namespace, facts)
    return facts


async def _listed(
    client: Client, resource: Resource[T], namespace: str, facts: Facts, *, only: bool = False
) -> list[T]:
    """All objects of a kind, those of the namespace where not all may be listed, or else none.

    With ``only``, no others than those of the namespace are asked for.
    """
    for where in dict.fromkeys([namespace] if only else ["", namespace]):
        try:
            return (await client.list(resource, where)).items
        except StatusError as error:
            if error.code != 403:
                raise
            elsewhere = "" if where or not resource.namespaced else " of all namespaces"
            facts.unseen.append(resource.plural + elsewhere)
        if not resource.namespaced:
            break
    return []


async def _webhook_decides(client: Client) -> bool:
    """Whether the server asks a webhook too. Of its authorizers it tells nobody but by this.

    Everybody may ask for the rules of their own, and a webhook's cannot be listed.
    """
    asked = SelfSubjectRulesReview(spec=SelfSubjectRulesReviewSpec(namespace="default"))
    try:
        found = await client.create(SELF_SUBJECT_RULES_REVIEWS, asked)
    except StatusError as error:
        if error.code not in (403, 404):
            raise
        return False
    return _NOT_LISTED in found.status.evaluationError


async def _shares(client: Client, namespace: str, facts: Facts) -> list[SecretGrant]:
    """The grants of a namespace, or of all; none on other servers."""
    try:
        # Everybody may ask this; whoever may not list what nobody serves is refused all the same.
        await client.request("GET", f"/apis/{SECRET_GRANTS.api_version}")
    except StatusError as error:
        if error.code not in (403, 404):
            raise
        return []
    return await _listed(client, SECRET_GRANTS, namespace, facts, only=True)


def using(pods: Iterable[Pod]) -> Iterable[Using]:
    """The pods that use Secrets and have not ended."""
    for pod in pods:
        secrets = frozenset(found.name for found in references_to_secrets(pod))
        if secrets and not has_ended("Pod", pod):
            meta: Any = pod.metadata
            yield Using(meta.namespace, meta.name, pod.spec.nodeName, secrets)
