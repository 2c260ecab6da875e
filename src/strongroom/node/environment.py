"""A container's environment, resolved by the kubelet's rules.

``envFrom`` first, later sources over earlier ones; then ``env`` in order, each ``value`` expanded
with what is known so far; then the service variables that nothing has overridden.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from strongroom.node.downward import DownwardError, NodeFacts, pod_field, resource_field
from strongroom.node.expansion import expand
from strongroom.node.objects import ObjectMissing, ObjectUnavailable, Ref
from strongroom.resources.configmap import ConfigMap
from strongroom.resources.pod import Pod
from strongroom.resources.pod_container import Container
from strongroom.resources.pod_env import EnvVar
from strongroom.resources.secret import Secret

Fetch = Callable[[Ref], Awaitable[Secret | ConfigMap]]
"""Reads an object; raises ObjectMissing or ObjectUnavailable."""


class ConfigError(Exception):
    """The container cannot be configured yet (``CreateContainerConfigError``). Holds no value."""


async def resolve_environment(
    pod: Pod,
    container: Container,
    *,
    fetch: Fetch,
    node: NodeFacts,
    services: Mapping[str, str],
) -> dict[str, str]:
    """The variables of ``container``. Raises :class:`ConfigError` with the kubelet's text.

    Values that are not UTF-8 are carried byte for byte (``surrogateescape``).
    """
    result = await _env_from(pod, container, fetch)
    for variable in container.env:
        value = await _value(pod, container, variable, result, fetch, node, services)
        if value is not None:
            result[variable.name] = value
    for name, value in services.items():
        result.setdefault(name, value)
    for name, value in result.items():
        if "\0" in name or "\0" in value:
            # The kernel ends a variable at the first NUL: a cut value would go unnoticed.
            raise ConfigError(f"variable {name!r} holds a NUL byte")
    return result


async def _env_from(pod: Pod, container: Container, fetch: Fetch) -> dict[str, str]:
    result: dict[str, str] = {}
    for source in container.envFrom:
        if source.configMapRef is not None:
            ref = Ref("configmap", pod.metadata.namespace, source.configMapRef.name)
            optional = source.configMapRef.optional
        elif source.secretRef is not None:
            ref = Ref("secret", pod.metadata.namespace, source.secretRef.name)
            optional = source.secretRef.optional
        else:
            continue
        obj = await _fetched(fetch, ref, optional=bool(optional))
        if obj is not None:
            # Of a ConfigMap only `data`: binary data is for files.
            result.update((source.prefix + key, _text(value)) for key, value in obj.data.items())
    return result


async def _value(
    pod: Pod,
    container: Container,
    variable: EnvVar,
    known: Mapping[str, str],
    fetch: Fetch,
    node: NodeFacts,
    services: Mapping[str, str],
) -> str | None:
    """The value of one ``env`` entry; None when it is optional and missing."""
    source = variable.valueFrom
    if source is None:
        return expand(variable.value, {**services, **known})
    namespace = pod.metadata.namespace
    try:
        if source.fieldRef is not None:
            return pod_field(pod, source.fieldRef, node)
        if source.resourceFieldRef is not None:
            named = source.resourceFieldRef.containerName
            return resource_field(
                _container(pod, named) or container, source.resourceFieldRef, node
            )
    except DownwardError as error:
        raise ConfigError(str(error)) from error
    if source.secretKeyRef is not None:
        selector = source.secretKeyRef
        ref = Ref("secret", namespace, selector.name)
        return await _key(fetch, ref, selector.key, optional=bool(selector.optional))
    if source.configMapKeyRef is not None:
        config = source.configMapKeyRef
        ref = Ref("configmap", namespace, config.name)
        return await _key(fetch, ref, config.key, optional=bool(config.optional))
    return ""


async def _key(fetch: Fetch, ref: Ref, key: str, *, optional: bool) -> str | None:
    obj = await _fetched(fetch, ref, optional=optional)
    if obj is None:
        return None
    if key not in obj.data:
        if optional:
            return None
        kind = "Secret" if ref.kind == "secret" else "ConfigMap"
        raise ConfigError(f"couldn't find key {key} in {kind} {ref.namespace}/{ref.name}")
    return _text(obj.data[key])


async def _fetched(fetch: Fetch, ref: Ref, *, optional: bool) -> Secret | ConfigMap | None:
    try:
        return await fetch(ref)
    except ObjectMissing as error:
        if optional:
            return None
        raise ConfigError(str(error)) from error
    except ObjectUnavailable as error:
        raise ConfigError(str(error)) from error


def _container(pod: Pod, name: str) -> Container | None:
    if not name:
        return None
    every = [*pod.spec.initContainers, *pod.spec.containers]
    return next((c for c in every if c.name == name), None)


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")
