"""ClusterRoleBinding: who has a ClusterRole everywhere."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F
from strongroom.api.validation import path_segment
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.rbac import (
    API_PACKAGE,
    CLUSTER_ROLE,
    GROUP,
    RoleRef,
    Subject,
    binding_errors,
    default_binding,
    role_change_errors,
    role_column,
    subject_columns,
)
from strongroom.resources.resource import Resource

__all__ = ["API_PACKAGE", "CLUSTER_ROLE_BINDINGS", "ClusterRoleBinding"]


class ClusterRoleBinding(Object):
    """Gives a ClusterRole to subjects, in all namespaces and outside of them."""

    subjects: Annotated[list[Subject], F(2, "Who has the role.", list_type="atomic")] = []
    roleRef: Annotated[RoleRef, F(3, "The role; cannot be changed.", required=True)] = (
        msgspec.field(default_factory=RoleRef)
    )


class ClusterRoleBindingResource(Resource[ClusterRoleBinding]):
    """The behaviour of ClusterRoleBindings."""

    def default(self, obj: ClusterRoleBinding) -> None:
        default_binding(obj.roleRef, obj.subjects)

    def validate(self, obj: ClusterRoleBinding) -> list[FieldError]:
        return binding_errors(obj.roleRef, obj.subjects, (CLUSTER_ROLE,))

    def validate_update(self, new: ClusterRoleBinding, old: ClusterRoleBinding) -> list[FieldError]:
        return self.validate(new) + role_change_errors(new.roleRef, old.roleRef)

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return path_segment(name, prefix=prefix)


CLUSTER_ROLE_BINDINGS = ClusterRoleBindingResource(
    group=GROUP,
    version="v1",
    kind="ClusterRoleBinding",
    plural="clusterrolebindings",
    singular="clusterrolebinding",
    type=ClusterRoleBinding,
    namespaced=False,
    columns=(NAME, role_column(), AGE, *subject_columns()),
)
