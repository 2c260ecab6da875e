"""Rules for the names and amounts of compute resources, shared by nodes and containers."""

from __future__ import annotations

from strongroom.api.errors import FieldError
from strongroom.api.validation import Path, invalid_value, qualified_name
from strongroom.resources.quantity import parse_quantity

_OF_CONTAINERS = frozenset(("cpu", "memory", "ephemeral-storage"))
_WHOLE = frozenset(
    (
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    )
)
_STANDARD = (
    _OF_CONTAINERS
    | _WHOLE
    | {f"{side}.{name}" for side in ("requests", "limits") for name in _OF_CONTAINERS}
    | {"storage", "requests.storage"}
)
_NATIVE_PREFIX = "kubernetes.io/"
_QUOTA = _STANDARD - {"storage"}
QUANTITY_FORM = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)


def container_resource_name(name: str, path: Path) -> list[FieldError]:
    """What is wrong with the name of a resource of a container."""
    errors = [invalid_value(path, name, message) for message in qualified_name(name)]
    if "/" not in name:
        huge = name.startswith("hugepages-")
        if not errors and name not in _STANDARD and not huge:
            detail = "must be a standard resource type or fully qualified"
            errors.append(invalid_value(path, name, detail))
        if name not in _OF_CONTAINERS and not huge:
            detail = "must be a standard resource for containers"
            errors.append(invalid_value(path, name, detail))
    elif not _is_native(name) and name.startswith("requests."):
        errors.append(invalid_value(path, name, "doesn't follow extended resource name standard"))
    return errors


def resource_name(name: str, path: Path) -> list[FieldError]:
    """What is wrong with the name of a resource of anything."""
    errors = [invalid_value(path, name, message) for message in qualified_name(name)]
    if not errors and "/" not in name and name not in _STANDARD and not _is_huge(name):
        detail = "must be a standard resource type or fully qualified"
        errors.append(invalid_value(path, name, detail))
    return errors


def is_standard_quota(name: str) -> bool:
    """Whether quotas know how to count the resource without its group being named."""
    return name in _QUOTA or _is_huge(name)


def _is_huge(name: str) -> bool:
    return name.startswith(("hugepages-", "requests.hugepages-"))


def resource_amount(name: str, amount: str, path: Path) -> list[FieldError]:
    """What is wrong with an amount: not a quantity, negative, or a fraction of what is whole."""
    try:
        value = parse_quantity(amount)
    except ValueError:
        return [invalid_value(path, amount, QUANTITY_FORM)]
    errors = []
    if value < 0:
        errors.append(invalid_value(path, amount, "must be greater than or equal to 0"))
    if is_whole(name) and value * 1000 % 1000:
        errors.append(invalid_value(path, amount, "must be an integer"))
    return errors


def is_whole(name: str) -> bool:
    """Whether the resource is counted in whole units."""
    return name in _WHOLE or is_extended(name)


def is_extended(name: str) -> bool:
    """Whether the resource is one that devices or administrators bring."""
    return not _is_native(name) and not name.startswith("requests.")


def may_overcommit(name: str) -> bool:
    """Whether limits may exceed requests."""
    return _is_native(name) and not name.startswith("hugepages-")


def _is_native(name: str) -> bool:
    return "/" not in name or _NATIVE_PREFIX in name
