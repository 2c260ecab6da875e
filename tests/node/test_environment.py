"""Environment resolution: order, expansion, and what stops a container."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.api import codec
from strongroom.node.container_spec import container_spec
from strongroom.node.downward import NodeFacts
from strongroom.node.environment import ConfigError, resolve_environment
from strongroom.node.objects import ObjectMissing, ObjectUnavailable, Ref
from strongroom.node.runtimes.port import ContainerSpec, ContainerStartError
from strongroom.resources.configmap import ConfigMap
from strongroom.resources.pod import Pod
from strongroom.resources.secret import Secret

NODE = NodeFacts("n", ("10.0.0.1", "fd00::1"))
OBJECTS: dict[Ref, Secret | ConfigMap] = {
    Ref("secret", "ns", "s"): Secret(data={"a": b"secret", "raw": b"\xff\xfe", "nul": b"x\0y"}),
    Ref("secret", "ns", "t"): Secret(data={"a": b"secret", "raw": b"text"}),
    Ref("configmap", "ns", "c"): ConfigMap(data={"a": "config"}, binaryData={"bin": b"1"}),
}


async def fetch(ref: Ref) -> Secret | ConfigMap:
    """The objects above; one name cannot be read at all."""
    if ref.name == "away":
        raise ObjectUnavailable("failed to sync secret cache: timed out waiting for the condition")
    try:
        return OBJECTS[ref]
    except KeyError:
        raise ObjectMissing(ref) from None


def pod_of(pod_security: dict[str, Any] | None = None, **container: Any) -> Pod:
    """A pod of one container."""
    tree = {
        "metadata": {"name": "p", "namespace": "ns", "uid": "u", "annotations": {"k": "v"}},
        "spec": {
            "nodeName": "n",
            "containers": [{"name": "c", **container}],
            "securityContext": pod_security,
        },
    }
    return codec.from_tree(tree, Pod)


async def resolved(*env: dict[str, Any], **container: Any) -> dict[str, str]:
    """The environment of a container."""
    pod = pod_of(env=list(env), **container)
    return await resolve_environment(
        pod, pod.spec.containers[0], fetch=fetch, node=NODE, services={"SVC": "api"}
    )


def ref(kind: str, name: str, key: str, *, optional: bool = False) -> dict[str, Any]:
    """A variable X from a key."""
    selector = {"name": name, "key": key, "optional": optional}
    return {"name": "X", "valueFrom": {f"{kind}KeyRef": selector}}


async def test_later_sources_win_and_env_wins_over_all() -> None:
    sources = [{"secretRef": {"name": "t"}}, {"configMapRef": {"name": "c"}}]
    env = await resolved({"name": "raw", "value": "own"}, envFrom=sources)
    assert env == {"a": "config", "raw": "own", "SVC": "api"}


async def test_services_are_known_to_expansion_and_can_be_overridden() -> None:
    env = await resolved({"name": "A", "value": "$(SVC)"}, {"name": "SVC", "value": "mine"})
    assert env == {"A": "api", "SVC": "mine"}


async def test_bytes_that_are_no_text_are_carried_whole() -> None:
    env = await resolved(ref("secret", "s", "raw"))
    assert env["X"].encode("utf-8", "surrogateescape") == b"\xff\xfe"


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        (ref("secret", "s", "k"), "couldn't find key k in Secret ns/s"),
        (ref("configMap", "c", "bin"), "couldn't find key bin in ConfigMap ns/c"),
        (ref("secret", "none", "k"), 'secret "none" not found'),
        (ref("configMap", "none", "k"), 'configmap "none" not found'),
        (ref("secret", "away", "k", optional=True), "failed to sync secret cache"),
        (ref("secret", "s", "nul"), "variable 'X' holds a NUL byte"),
    ],
)
async def test_what_stops_a_container(variable: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await resolved(variable)
    assert str(caught.value).startswith(text)
    assert "x\0y" not in str(caught.value)


@pytest.mark.parametrize("name", ["none", "s"])
async def test_what_is_optional_is_left_out(name: str) -> None:
    assert await resolved(ref("secret", name, "k", optional=True)) == {"SVC": "api"}


async def test_fields_of_the_pod() -> None:
    paths = {
        "NAME": "metadata.name",
        "ANNOTATION": "metadata.annotations['k']",
        "NODE": "spec.nodeName",
        "IP": "status.podIP",
        "IPS": "status.hostIPs",
    }
    env = await resolved(
        *({"name": n, "valueFrom": {"fieldRef": {"fieldPath": p}}} for n, p in paths.items())
    )
    assert env == {
        "NAME": "p",
        "ANNOTATION": "v",
        "NODE": "n",
        "IP": "10.0.0.1",
        "IPS": "10.0.0.1,fd00::1",
        "SVC": "api",
    }


def spec_of(pod: Pod, **env: str) -> ContainerSpec:
    """What would be started."""
    return container_spec(pod, pod.spec.containers[0], attempt=0, env=env, volumes={})


def test_command_and_args_are_expanded_and_hidden() -> None:
    spec = spec_of(pod_of(command=["$(A)"], args=["$(B)", "$$(A)"]), A="hunter2")
    assert spec.argv == ("hunter2", "$(B)", "$(A)")
    assert "hunter2" not in repr(spec)


def test_no_command_is_an_error_of_creation() -> None:
    with pytest.raises(ContainerStartError) as caught:
        spec_of(pod_of())
    assert caught.value.reason == "CreateContainerError"


def test_the_container_goes_before_the_pod_in_security() -> None:
    pod = pod_of(
        {"runAsUser": 1, "runAsGroup": 2, "fsGroup": 3, "supplementalGroups": [4]},
        command=["true"],
        securityContext={"runAsUser": 5, "allowPrivilegeEscalation": False},
    )
    spec = spec_of(pod)
    assert (spec.user, spec.group, spec.groups) == (5, 2, (4, 3))
    assert spec.no_new_privileges


@pytest.mark.parametrize(
    ("security", "text"),
    [
        ({"runAsNonRoot": True}, "container has runAsNonRoot and image will run as root"),
        ({"runAsNonRoot": True, "runAsUser": 0}, "container's runAsUser breaks non-root policy"),
    ],
)
def test_root_is_refused_where_it_must_not_be(security: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        spec_of(pod_of(security, command=["true"]))
    assert str(caught.value) == f'{text} (pod: "p_ns(u)", container: c)'


def test_an_unknown_volume_is_said() -> None:
    pod = pod_of(command=["true"], volumeMounts=[{"name": "v", "mountPath": "/v"}])
    with pytest.raises(ConfigError, match='cannot find volume "v" to mount into container "c"'):
        spec_of(pod)
