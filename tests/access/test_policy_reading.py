"""Who may make policies judge by objects: those who may read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from strongroom.access.admission.policy.reading import ParamReaders
from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.user import MASTERS, Attributes, User
from strongroom.api.cel.functions.authorizer import Answer, Check
from strongroom.api.errors import StatusError
from strongroom.api.meta import Object, ObjectMeta
from strongroom.resources.admission_policy import ParamKind, ParamRef
from strongroom.resources.validating_policy import (
    VALIDATING_POLICIES,
    VALIDATING_POLICY_BINDINGS,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
    ValidatingAdmissionPolicyBindingSpec,
    ValidatingAdmissionPolicySpec,
)

ALICE = User("alice", groups=("system:authenticated",))
SECRETS = ParamKind(apiVersion="v1", kind="Secret")


@dataclass
class Served:
    """A kind that is served."""

    plural: str = "secrets"
    namespaced: bool = True

    async def get(self, namespace: str, name: str) -> None:
        return None

    async def list(self, namespace: str) -> Sequence[dict[str, object]]:
        return []


@dataclass
class Cluster:
    """Rights by what is asked, and policies."""

    allowed: set[Check] = field(default_factory=set)
    asked: list[Check] = field(default_factory=list)
    stored: list[ValidatingAdmissionPolicy] = field(default_factory=list)

    def policies(self) -> Sequence[ValidatingAdmissionPolicy]:
        return self.stored

    def bindings(self) -> Sequence[ValidatingAdmissionPolicyBinding]:
        return []

    async def param_kind(self, api_version: str, kind: str) -> Served | None:
        return Served() if (api_version, kind) == ("v1", "Secret") else None

    async def namespace_object(self, name: str) -> None:
        return None

    async def decide(self, user: User, check: Check) -> Answer:
        self.asked.append(check)
        return Answer(check in self.allowed)


def policy(kind: ParamKind | None) -> ValidatingAdmissionPolicy:
    spec = ValidatingAdmissionPolicySpec(paramKind=kind)
    return ValidatingAdmissionPolicy(metadata=ObjectMeta(name="p"), spec=spec)


def binding(ref: ParamRef | None) -> ValidatingAdmissionPolicyBinding:
    spec = ValidatingAdmissionPolicyBindingSpec(policyName="p", paramRef=ref)
    return ValidatingAdmissionPolicyBinding(metadata=ObjectMeta(name="b"), spec=spec)


async def judge(
    cluster: Cluster, obj: Object, old: Object | None = None, user: User = ALICE
) -> None:
    is_policy = isinstance(obj, ValidatingAdmissionPolicy)
    request = AdmissionRequest(
        attributes=Attributes(user, "create", "/"),
        operation="UPDATE" if old else "CREATE",
        resource=VALIDATING_POLICIES if is_policy else VALIDATING_POLICY_BINDINGS,
        namespace="",
        name=obj.metadata.name,
        obj=obj,
        old=old,
        dry_run=False,
        options={},
        warn=lambda text: None,
        annotate=lambda key, text: None,
    )
    await ParamReaders(cluster, cluster).validate(request)


ALL_SECRETS = Check(verb="get", group="", version="v1", resource="secrets", namespace="*", name="*")
ONE_SECRET = Check(verb="get", group="", version="v1", resource="secrets", namespace="n", name="s")
ANYTHING = Check(verb="get", group="*", version="*", resource="*", namespace="n", name="s")
REF = ParamRef(name="s", namespace="n", parameterNotFoundAction="Deny")


async def test_a_policy_over_secrets_needs_the_right_to_read_them_all() -> None:
    with pytest.raises(StatusError) as refusal:
        await judge(Cluster(), policy(SECRETS))
    assert refusal.value.code == 422
    assert refusal.value.message == (
        'ValidatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: spec.paramKind: '
        "Forbidden: user &{alice  [system:authenticated] map[]} must have "
        '"get" permission on all objects of the referenced paramKind (kind=Secret, apiVersion=v1)'
    )
    await judge(Cluster({ALL_SECRETS}), policy(SECRETS))


async def test_a_binding_needs_the_right_to_read_what_it_names() -> None:
    cluster = Cluster(stored=[policy(SECRETS)])
    with pytest.raises(StatusError, match='does not have "get" permission on the object'):
        await judge(cluster, binding(REF))
    cluster.allowed = {ONE_SECRET}
    await judge(cluster, binding(REF))


async def test_a_binding_to_no_policy_needs_the_right_to_read_anything() -> None:
    cluster = Cluster({ONE_SECRET})
    with pytest.raises(StatusError):
        await judge(cluster, binding(REF))
    assert cluster.asked == [ANYTHING]


async def test_nobody_is_asked_where_nothing_new_is_named() -> None:
    cluster = Cluster(stored=[policy(SECRETS)])
    await judge(cluster, policy(None))
    await judge(cluster, policy(SECRETS), old=policy(SECRETS))
    await judge(cluster, binding(None))
    await judge(cluster, binding(REF), old=binding(REF))
    await judge(cluster, policy(SECRETS), user=User("root", groups=(MASTERS,)))
    assert cluster.asked == []
