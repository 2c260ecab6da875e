"""ClusterRole: what may be done anywhere, listed or gathered from other ClusterRoles."""

from __future__ import annotations

from typing import Annotated

from strongroom.api.errors import FieldError
from strongroom.api.meta import LabelSelector, Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.times import format_time
from strongroom.api.validation import Path, path_segment, required
from strongroom.resources.columns import NAME
from strongroom.resources.pod_scheduling_validation import label_selector_errors
from strongroom.resources.rbac import API_PACKAGE, GROUP, PolicyRule, rule_errors
from strongroom.resources.resource import Column, Resource

__all__ = ["API_PACKAGE", "CLUSTER_ROLES", "AggregationRule", "ClusterRole"]

_SELECTORS = Path("aggregationRule") / "clusterRoleSelectors"


class AggregationRule(Struct):
    """Which ClusterRoles give a ClusterRole its rules."""

    clusterRoleSelectors: Annotated[
        list[LabelSelector],
        F(1, "Each selects ClusterRoles by their labels; one suffices.", list_type="atomic"),
    ] = []


class ClusterRole(Object):
    """Rules that bindings can give to somebody, in a namespace or everywhere."""

    rules: Annotated[
        list[PolicyRule],
        F(2, "What may be done; any rule that covers a request suffices.", list_type="atomic"),
    ] = always(list)
    aggregationRule: Annotated[
        AggregationRule | None,
        F(3, "Where the rules come from; a controller then writes them."),
    ] = None


class ClusterRoleResource(Resource[ClusterRole]):
    """The behaviour of ClusterRoles."""

    def validate(self, obj: ClusterRole) -> list[FieldError]:
        errors = rule_errors(obj.rules, namespaced=False)
        if obj.aggregationRule is None:
            return errors
        selectors = obj.aggregationRule.clusterRoleSelectors
        if not selectors:
            text = "at least one clusterRoleSelector required if aggregationRule is non-nil"
            errors.append(required(_SELECTORS, text))
        for i, selector in enumerate(selectors):
            errors += label_selector_errors(selector, _SELECTORS.index(i))
        return errors

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return path_segment(name, prefix=prefix)


CLUSTER_ROLES = ClusterRoleResource(
    group=GROUP,
    version="v1",
    kind="ClusterRole",
    plural="clusterroles",
    singular="clusterrole",
    type=ClusterRole,
    namespaced=False,
    columns=(
        NAME,
        Column(
            "Created At",
            lambda obj, now: obj.metadata.creationTimestamp or format_time(now),
            description="When the object was created.",
        ),
    ),
)
