"""The rules of Nodes (``ValidateNode`` and ``ValidateNodeUpdate`` upstream)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from strongroom.api.errors import FieldError
from strongroom.api.gotext import json_text
from strongroom.api.validation import (
    Path,
    duplicate,
    forbidden_field,
    invalid_value,
    label_value,
    not_supported,
    qualified_name,
    required,
)
from strongroom.resources.node_object import Node, Taint
from strongroom.resources.resource_amounts import resource_amount

TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
"""In the order in which upstream's message names them."""


def validate_node(node: Node) -> list[FieldError]:
    """All findings on a new Node."""
    errors = _taint_errors(node.spec.taints)
    errors += _amount_errors(node)
    return errors + _pod_cidr_errors(node.spec.podCIDRs)


def validate_node_update(new: Node, old: Node) -> list[FieldError]:
    """All findings on a change of a Node or of its status."""
    spec = Path("spec")
    errors = _amount_errors(new)
    seen = set()
    for i, address in enumerate(new.status.addresses):
        pair = (address.type, address.address)
        if pair in seen:
            errors.append(duplicate((Path("status") / "addresses").index(i), address))
        seen.add(pair)
    if old.spec.podCIDRs and new.spec.podCIDRs != old.spec.podCIDRs:
        detail = 'node updates may not change podCIDR except from "" to valid'
        errors.append(forbidden_field(spec / "podCIDRs", detail))
    if old.spec.providerID and new.spec.providerID != old.spec.providerID:
        detail = 'node updates may not change providerID except from "" to valid'
        errors.append(forbidden_field(spec / "providerID", detail))
    errors += _taint_errors(new.spec.taints)
    if new.spec.externalID != old.spec.externalID:
        errors.append(forbidden_field(spec / "externalID", "may not be updated"))
    return errors


def _taint_errors(taints: Sequence[Taint]) -> list[FieldError]:
    # Upstream reports taints below metadata, where an annotation held them once.
    path = Path("metadata") / "taints"
    errors: list[FieldError] = []
    seen = set()
    for i, taint in enumerate(taints):
        at = path.index(i)
        errors += [invalid_value(at / "key", taint.key, m) for m in qualified_name(taint.key)]
        if messages := label_value(taint.value):
            errors.append(invalid_value(at / "value", taint.value, ";".join(messages)))
        errors += taint_effect(taint.effect, at / "effect", allow_empty=False)
        if (taint.key, taint.effect) in seen:
            detail = "taints must be unique by key and effect pair"
            body = f"Duplicate value: {json_text(taint)}: {detail}"
            errors.append(FieldError("FieldValueDuplicate", str(at), body))
        seen.add((taint.key, taint.effect))
    return errors


def taint_effect(effect: str, path: Path, *, allow_empty: bool) -> list[FieldError]:
    """What is wrong with the effect of a taint or toleration."""
    if effect in TAINT_EFFECTS or (allow_empty and not effect):
        return []
    if not effect:
        return [required(path)]
    return [not_supported(path, effect, TAINT_EFFECTS)]


def _amount_errors(node: Node) -> list[FieldError]:
    errors: list[FieldError] = []
    for name, amounts in (
        ("capacity", node.status.capacity),
        ("allocatable", node.status.allocatable),
    ):
        for resource, amount in amounts.items():
            errors += resource_amount(resource, amount, Path("status") / name / resource)
    return errors


def _pod_cidr_errors(ranges: Sequence[str]) -> list[FieldError]:
    path = Path("spec") / "podCIDRs"
    errors = []
    families = []
    for i, text in enumerate(ranges):
        try:
            families.append(ipaddress.ip_network(text, strict=False).version)
        except ValueError:
            detail = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
            errors.append(invalid_value(path.index(i), text, detail))
    if not errors and len(set(families)) < len(families):
        detail = "may specify no more than one CIDR for each IP family"
        errors.append(invalid_value(path, list(ranges), detail))
    for i, text in enumerate(ranges):
        if text in ranges[:i]:
            errors.append(duplicate(path.index(i), text))
    return errors
