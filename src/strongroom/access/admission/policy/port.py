"""What judging by policies asks of the rest of the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from strongroom.access.user import User
from strongroom.resources.validating_policy import (
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
)

if TYPE_CHECKING:
    from strongroom.api.cel.functions.authorizer import Answer, Check

Tree = dict[str, Any]


class Policies(Protocol):
    """The policies in force: as of every write that was acknowledged."""

    def policies(self) -> Sequence[ValidatingAdmissionPolicy]:
        """All policies; asked at each write, so no more than a look-up when there are none."""
        ...

    def bindings(self) -> Sequence[ValidatingAdmissionPolicyBinding]:
        """All bindings."""
        ...


class ParamKinds(Protocol):
    """The objects of a kind that policies take parameters from."""

    @property
    def namespaced(self) -> bool:
        """Whether the kind's objects have a namespace."""
        ...

    @property
    def plural(self) -> str:
        """The kind's name in paths."""
        ...

    async def get(self, namespace: str, name: str) -> Tree | None:
        """The tree of an object as of now; None when there is none."""
        ...

    async def list(self, namespace: str) -> Sequence[Tree]:
        """The trees of all objects of a namespace ("" for a kind without) as of now."""
        ...


class Surroundings(Protocol):
    """Parameters, namespaces and rights."""

    async def param_kind(self, api_version: str, kind: str) -> ParamKinds | None:
        """The kind of parameters; None when it is not served."""
        ...

    async def namespace_object(self, name: str) -> Tree | None:
        """The tree of a namespace; None when there is none."""
        ...

    async def decide(self, user: User, check: Check) -> Answer:
        """Whether the user (or the check's service account) may do what the check says."""
        ...
