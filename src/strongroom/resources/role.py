"""Role: what may be done in one namespace."""

from __future__ import annotations

from typing import Annotated

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, always
from strongroom.api.times import format_time
from strongroom.api.validation import path_segment
from strongroom.resources.columns import NAME
from strongroom.resources.rbac import API_PACKAGE, GROUP, PolicyRule, rule_errors
from strongroom.resources.resource import Column, Resource

__all__ = ["API_PACKAGE", "CREATED", "ROLES", "Role"]


class Role(Object):
    """Rules that a RoleBinding of the same namespace can give to somebody."""

    rules: Annotated[
        list[PolicyRule],
        F(2, "What may be done; any rule that covers a request suffices.", list_type="atomic"),
    ] = always(list)


CREATED: Column[Role] = Column(
    "Created At",
    lambda obj, now: obj.metadata.creationTimestamp or format_time(now),
    description="When the object was created.",
)
"""The second column of roles, which have no age, as upstream prints them."""


class RoleResource(Resource[Role]):
    """The behaviour of Roles."""

    def validate(self, obj: Role) -> list[FieldError]:
        return rule_errors(obj.rules, namespaced=True)

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        return path_segment(name, prefix=prefix)


ROLES = RoleResource(
    group=GROUP,
    version="v1",
    kind="Role",
    plural="roles",
    singular="role",
    type=Role,
    namespaced=True,
    columns=(NAME, CREATED),
)
