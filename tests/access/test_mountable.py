"""``enforce-mountable-secrets``: no way to name a Secret is forgotten.

The ways are read off the schema, so that a field that is declared tomorrow is tried tomorrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from strongroom.access.admission.serviceaccount import ServiceAccountAdmission
from strongroom.api.errors import StatusError
from strongroom.api.schema import FieldSchema, Struct, schema_of
from strongroom.resources.pod import Pod
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS, ServiceAccount
from tests.access.around import Around
from tests.access.test_admission import ADMIN, request
from tests.access.test_serviceaccount import account, pod, refusal
from tests.resources.making import made

ENFORCED = {
    "name": "a",
    "namespace": "x",
    "annotations": {"kubernetes.io/enforce-mountable-secrets": "true"},
}

Way = tuple[FieldSchema, ...]


def ways(struct: type[Struct]) -> Iterator[Way]:
    """Every chain of fields that ends at one that names a Secret."""
    for each in schema_of(struct).fields.values():
        inner = each.type.struct or (each.type.items.struct if each.type.items else None)
        if each.facts.refers == "Secret":
            yield (each,)
        elif inner is not None:
            yield from ((each, *rest) for rest in ways(inner))


WAYS = list(ways(Pod))
NAMES = [".".join(field.name for field in way) for way in WAYS]


def tree(way: Way, secret: str) -> Any:
    """What names ``secret`` by this way, below the object that has the first field."""
    first, *rest = way
    value: Any = tree(tuple(rest), secret) if rest else secret
    one = first.type.items or first.type
    if not rest and one.struct is not None:
        value = {"name": secret}
    elif rest and one.struct is not None and "name" in schema_of(one.struct).fields:
        value.setdefault("name", "n")
    return {first.name: [value] if first.type.items else value}


def enforcing(**fields: Any) -> ServiceAccount:
    return made({"metadata": ENFORCED, **fields}, ServiceAccount)


def naming(way: Way, secret: str) -> Pod:
    spec = tree(way, secret)["spec"]
    return pod(serviceAccountName="a", automountServiceAccountToken=False, **spec)


def test_the_ways_that_everybody_knows_are_among_them() -> None:
    env = ("env.valueFrom.secretKeyRef.name", "envFrom.secretRef.name")
    groups = ("containers", "initContainers", "ephemeralContainers")
    known = {f"spec.{group}.{name}" for group in groups for name in env}
    volumes = ("secret.secretName", "projected.sources.secret.name", "csi.nodePublishSecretRef")
    known |= {f"spec.volumes.{name}" for name in volumes}
    assert known | {"spec.imagePullSecrets"} <= set(NAMES)
    assert len(NAMES) == len(set(NAMES)) >= 18


def test_no_field_with_secret_in_its_name_is_unmarked() -> None:
    """A field that is declared and not marked would be a way around all of this."""

    def unmarked(struct: type[Struct], path: str) -> Iterator[str]:
        for each in schema_of(struct).fields.values():
            if each.facts.refers:
                continue
            inner = each.type.struct or (each.type.items.struct if each.type.items else None)
            at = f"{path}.{each.name}"
            if "secret" in each.name.lower() and (inner is None or not any(ways(inner))):
                yield at
            if inner is not None:
                yield from unmarked(inner, at)

    # A path on the node, and no object of the API.
    assert list(unmarked(Pod, "pod")) == ["pod.spec.volumes.cephfs.secretFile"]


@pytest.mark.parametrize("way", WAYS, ids=NAMES)
async def test_every_way_to_a_secret_that_is_not_listed(way: Way) -> None:
    others = enforcing(secrets=[{"name": "other"}], imagePullSecrets=[{"name": "other"}])
    why = await refusal(naming(way, "s"), others)
    assert '="s" is not allowed because service account a does not reference that' in why
    listed = enforcing(secrets=[{"name": "s"}], imagePullSecrets=[{"name": "s"}])
    await judged(naming(way, "s"), listed)
    free = replace_annotation(listed, "false")
    await judged(naming(way, "elsewhere"), free)


def replace_annotation(given: ServiceAccount, value: str) -> ServiceAccount:
    metadata = {"name": given.metadata.name, "namespace": "x"}
    tree = {"metadata": {**metadata, "annotations": dict.fromkeys(ENFORCED["annotations"], value)}}
    return made(tree, ServiceAccount)


async def judged(obj: Pod, given: ServiceAccount, *, update: bool = False) -> None:
    asked = request(ADMIN, "CREATE", "pods", namespace="x", name="p", obj=obj)
    if update:
        part = replace(asked.attributes, subresource="ephemeralcontainers")
        asked = replace(asked, operation="UPDATE", attributes=part, old=obj)
    plugin = ServiceAccountAdmission(Around({("x", given.metadata.name): given}))
    await plugin.mutate(asked)
    await plugin.validate(asked)


_ENV = [{"name": "V", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
_FROM = [{"secretRef": {"name": "s"}}]
_END = "because service account a does not reference that secret"


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (
            {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]},
            f'volume with secret.secretName="s" is not allowed {_END}',
        ),
        (
            {"containers": [{"name": "c", "env": [{"name": "U", "value": "u"}, *_ENV]}]},
            f'container c with envVar V referencing secret.secretName="s" is not allowed {_END}',
        ),
        (
            {"containers": [{"name": "b"}, {"name": "c", "envFrom": _FROM}]},
            f'container c with envFrom referencing secret.secretName="s" is not allowed {_END}',
        ),
        (
            {"initContainers": [{"name": "i", "env": _ENV}]},
            (
                "init container i with envVar V referencing "
                f'secret.secretName="s" is not allowed {_END}'
            ),
        ),
        (
            {"initContainers": [{"name": "i", "envFrom": _FROM}]},
            (
                "init container i with envFrom referencing "
                f'secret.secretName="s" is not allowed {_END}'
            ),
        ),
        (
            {"imagePullSecrets": [{"name": "listed"}, {"name": "s"}]},
            (
                'imagePullSecrets[1].name="s" is not allowed because service account a does not '
                "reference that imagePullSecret"
            ),
        ),
        (
            {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}]},
            f'volume with projected.sources[0].secret.name="s" is not allowed {_END}',
        ),
        (
            {"volumes": [{"name": "v", "flexVolume": {"secretRef": {"name": "s"}}}]},
            f'volume with flexVolume.secretRef.name="s" is not allowed {_END}',
        ),
    ],
)
async def test_what_is_said(spec: dict[str, Any], why: str) -> None:
    given = enforcing(secrets=[{"name": "listed"}], imagePullSecrets=[{"name": "listed"}])
    assert await refusal(pod(serviceAccountName="a", **spec), given) == why


async def test_secrets_for_pulling_images_and_for_mounting_are_two_lists() -> None:
    given = enforcing(secrets=[{"name": "m"}], imagePullSecrets=[{"name": "p"}])
    await judged(pod(serviceAccountName="a", imagePullSecrets=[{"name": "p"}]), given)
    assert "imagePullSecret" in await refusal(
        pod(serviceAccountName="a", imagePullSecrets=[{"name": "m"}]), given
    )
    volumes = [{"name": "v", "secret": {"secretName": "p"}}]
    assert "volume" in await refusal(pod(serviceAccountName="a", volumes=volumes), given)


@pytest.mark.parametrize("container", [{"env": _ENV}, {"envFrom": _FROM}])
async def test_containers_that_are_added_to_a_running_pod(container: dict[str, Any]) -> None:
    """CVE-2023-2728. What the pod had before it was enforced is not held against it."""
    volumes = [{"name": "v", "secret": {"secretName": "old"}}]
    added = [{"name": "e", **container}]
    obj = pod(serviceAccountName="a", volumes=volumes, ephemeralContainers=added)
    with pytest.raises(StatusError, match="ephemeral container e with env") as raised:
        await judged(obj, enforcing(), update=True)
    assert raised.value.code == 403
    await judged(obj, enforcing(secrets=[{"name": "s"}]), update=True)


@pytest.mark.parametrize("value", ["false", "", "yes", "0"])
async def test_other_values_do_not_enforce(value: str) -> None:
    volumes = [{"name": "v", "secret": {"secretName": "s"}}]
    obj = pod(serviceAccountName="a", volumes=volumes)
    await judged(obj, replace_annotation(enforcing(), value))


def test_who_sets_the_annotation_is_warned() -> None:
    told = [
        (
            "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; "
            "prefer separate namespaces to isolate access to mounted secrets"
        )
    ]
    plain = account("a")
    assert SERVICE_ACCOUNTS.warnings(enforcing(), None) == told
    assert SERVICE_ACCOUNTS.warnings(enforcing(), plain) == told
    assert SERVICE_ACCOUNTS.warnings(enforcing(), enforcing()) == []
    assert SERVICE_ACCOUNTS.warnings(plain, enforcing()) == []
