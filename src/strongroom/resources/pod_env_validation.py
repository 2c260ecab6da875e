"""The rules of containers' environments and of selectors of pod fields and resources."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.api.errors import FieldError
from strongroom.api.validation import (
    Path,
    config_map_key,
    dns_subdomain,
    env_var_name,
    invalid_value,
    not_supported,
    qualified_name,
    required,
)
from strongroom.resources.path_rules import projected_path
from strongroom.resources.pod_env import (
    ConfigMapEnvSource,
    ConfigMapKeySelector,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    FileKeySelector,
    ObjectFieldSelector,
    ResourceFieldSelector,
    SecretEnvSource,
    SecretKeySelector,
)
from strongroom.resources.quantity import canonical_quantity, is_quantity, parse_quantity

ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
"""Fields of the pod that environment variables may show, in the order of upstream's message."""

_FIELDS_OF_PODS = {
    *ENV_FIELDS,
    "metadata.annotations",
    "metadata.labels",
    "spec.restartPolicy",
    "spec.schedulerName",
    "status.phase",
}
_RESOURCES = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
_HUGE_PAGES = ("limits.hugepages-", "requests.hugepages-")
_SUFFIXES = ("", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_SIZES = tuple(f"1{suffix}" for suffix in _SUFFIXES)

_NO_SOURCE = (
    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
)
_NO_BULK_SOURCE = "must specify one of: `configMapRef` or `secretRef`"
_BESIDE_VALUE = "may not be specified when `value` is not empty"
_MORE_THAN_ONE = "may not have more than one field specified at a time"


def env_errors(variables: Sequence[EnvVar], path: Path) -> list[FieldError]:
    """All findings on ``env``."""
    errors: list[FieldError] = []
    for i, variable in enumerate(variables):
        at = path.index(i)
        if not variable.name:
            errors.append(required(at / "name"))
        else:
            messages = env_var_name(variable.name)
            errors += [invalid_value(at / "name", variable.name, m) for m in messages]
        if variable.valueFrom is not None:
            errors += _value_from_errors(variable, variable.valueFrom, at / "valueFrom")
    return errors


def env_from_errors(sources: Sequence[EnvFromSource], path: Path) -> list[FieldError]:
    """All findings on ``envFrom``."""
    errors: list[FieldError] = []
    for i, source in enumerate(sources):
        at = path.index(i)
        if source.prefix:
            messages = env_var_name(source.prefix)
            errors += [invalid_value(at / "prefix", source.prefix, m) for m in messages]
        if source.configMapRef is not None:
            errors += _bulk_errors(source.configMapRef, at / "configMapRef")
        if source.secretRef is not None:
            errors += _bulk_errors(source.secretRef, at / "secretRef")
        # Upstream reports these two for the whole list.
        if source.configMapRef is None and source.secretRef is None:
            errors.append(invalid_value(path, "", _NO_BULK_SOURCE))
        elif source.configMapRef is not None and source.secretRef is not None:
            errors.append(invalid_value(path, "", _MORE_THAN_ONE))
    return errors


def _value_from_errors(variable: EnvVar, source: EnvVarSource, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    if source.fieldRef:
        errors += field_errors(source.fieldRef, ENV_FIELDS, path / "fieldRef")
    if source.resourceFieldRef:
        errors += resource_errors(source.resourceFieldRef, path / "resourceFieldRef")
    if source.configMapKeyRef:
        errors += _key_errors(source.configMapKeyRef, path / "configMapKeyRef")
    if source.secretKeyRef:
        errors += _key_errors(source.secretKeyRef, path / "secretKeyRef")
    if source.fileKeyRef:
        errors += _file_key_errors(source.fileKeyRef, path / "fileKeyRef")
    count = sum(getattr(source, name) is not None for name in source.__struct_fields__)
    if count == 0:
        errors.append(invalid_value(path, "", _NO_SOURCE))
    elif variable.value:
        errors.append(invalid_value(path, "", _BESIDE_VALUE))
    elif count > 1:
        errors.append(invalid_value(path, "", _MORE_THAN_ONE))
    return errors


def _bulk_errors(source: ConfigMapEnvSource | SecretEnvSource, path: Path) -> list[FieldError]:
    if not source.name:
        return [required(path / "name")]
    messages = dns_subdomain(source.name, prefix=True)
    return [invalid_value(path / "name", source.name, message) for message in messages]


def _key_errors(selector: ConfigMapKeySelector | SecretKeySelector, path: Path) -> list[FieldError]:
    name, key = selector.name, selector.key
    errors = [invalid_value(path / "name", name, message) for message in dns_subdomain(name)]
    if not key:
        return [*errors, required(path / "key")]
    return errors + [invalid_value(path / "key", key, message) for message in config_map_key(key)]


def _file_key_errors(selector: FileKeySelector, path: Path) -> list[FieldError]:
    errors = []
    if not selector.key:
        errors.append(required(path / "key"))
    else:
        messages = env_var_name(selector.key)
        errors += [invalid_value(path / "key", selector.key, m) for m in messages]
    if not selector.volumeName:
        errors.append(required(path / "volumeName"))
    if not selector.path:
        return [*errors, required(path / "path")]
    return errors + projected_path(selector.path, path / "path")


def field_errors(
    selector: ObjectFieldSelector, allowed: Sequence[str], path: Path
) -> list[FieldError]:
    """All findings on a selector of a pod field, where ``allowed`` fields may be selected."""
    if not selector.apiVersion:
        return [required(path / "apiVersion")]
    text = selector.fieldPath
    if not text:
        return [required(path / "fieldPath")]
    name, subscript = split_subscript(text)
    if why := _unknown_field(selector.apiVersion, text, name, subscript):
        return [invalid_value(path / "fieldPath", text, f"error converting fieldPath: {why}")]
    if subscript is not None:
        key = subscript.lower() if name == "metadata.annotations" else subscript
        return [invalid_value(path, key, message) for message in qualified_name(key)]
    if name not in allowed:
        return [not_supported(path / "fieldPath", name, sorted(allowed))]
    return []


def split_subscript(field_path: str) -> tuple[str, str | None]:
    """``metadata.labels['a']`` as ``metadata.labels`` and ``a``; None without a subscript."""
    name, mark, rest = field_path.partition("['")
    if mark and name and rest.endswith("']"):
        return name, rest[:-2]
    return field_path, None


def _unknown_field(version: str, text: str, name: str, subscript: str | None) -> str:
    if version != "v1":
        return f"unsupported pod version: {version}"
    if subscript is not None and name not in ("metadata.annotations", "metadata.labels"):
        return f"field label does not support subscript: {text}"
    return "" if name in _FIELDS_OF_PODS else f"field label not supported: {text}"


def resource_errors(
    selector: ResourceFieldSelector, path: Path, *, in_volume: bool = False
) -> list[FieldError]:
    """All findings on a selector of a limit or request; a volume must name the container."""
    errors = []
    resource = selector.resource
    if in_volume and not selector.containerName:
        errors.append(required(path / "containerName"))
    elif not resource:
        errors.append(required(path / "resource"))
    elif resource not in _RESOURCES and not resource.startswith(_HUGE_PAGES):
        errors.append(not_supported(path / "resource", resource, _RESOURCES))
    return errors + _divisor_errors(resource, selector.divisor, path / "divisor")


def _divisor_errors(resource: str, divisor: str, path: Path) -> list[FieldError]:
    if not divisor or (is_quantity(divisor) and parse_quantity(divisor) == 0):
        return []
    allowed, text = _SIZES, ", ".join(_SIZES)
    what = "memory" if resource.endswith(".memory") else "hugepages"
    if resource.endswith(".ephemeral-storage"):
        what = "local ephemeral storage"
    if resource.endswith(".cpu"):
        allowed, text, what = ("1m", "1"), "1m and 1", "cpu"
    if is_quantity(divisor) and canonical_quantity(divisor) in allowed:
        return []
    detail = f"only divisor's values {text} are supported with the {what} resource"
    return [invalid_value(path, resource, detail)]
