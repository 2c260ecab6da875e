"""RoleBinding: who has a role, in one namespace."""

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
    ROLE,
    RoleRef,
    Subject,
    binding_errors,
    default_binding,
    role_change_errors,
    role_column,
    subject_columns,
)
from strongroom.resources.resource import Resource

__all__ = ["API_PACKAGE", "ROLE_BINDINGS", "RoleBinding"]


class RoleBinding(Object):
    """Gives a Role of its namespace, or a ClusterRole, to subjects in its namespace."""

    subjects: Annotated[list[Subject], F(2, "Who has the role.", list_type="atomic")] = []
    roleRef: Annotated[RoleRef, F(3, "The role; cannot be changed.", required=True)] = (
        msgspec.field(default_factory=RoleRef)
    )


class RoleBindingResource(Resource[RoleBinding]):
    """The behaviour of RoleBindings."""

    def default(self, obj: RoleBinding) -> None:
        default_binding(obj.roleRef, obj.subjects)

    def validate(self, obj: RoleBinding) -> list[FieldError]:
        return binding_errors(obj.roleRef, obj.subjects, (ROLE, CLUSTER_ROLE))

    def validate_update(self, new: RoleBinding, old: RoleBinding) -> list[FieldError]:
        return self.validate(new) + role_change_errors(new.roleRef, old.roleRef)

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return path_segment(name, prefix=prefix)


ROLE_BINDINGS = RoleBindingResource(
    group=GROUP,
    version="v1",
    kind="RoleBinding",
    plural="rolebindings",
    singular="rolebinding",
    type=RoleBinding,
    namespaced=True,
    columns=(NAME, role_column(), AGE, *subject_columns()),
)
