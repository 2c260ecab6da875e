"""Who makes a request, and what it wants: the vocabulary of the three stages of access."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ANONYMOUS = "system:anonymous"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
MASTERS = "system:masters"
NODES = "system:nodes"
NODE_PREFIX = "system:node:"


@dataclass(frozen=True, slots=True)
class User:
    """An authenticated identity (``k8s.io/apiserver/pkg/authentication/user``)."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def tree(self) -> dict[str, Any]:
        """As authentication.k8s.io/v1 ``UserInfo``; what is empty is left out."""
        told: dict[str, Any] = {"username": self.name}
        if self.uid:
            told["uid"] = self.uid
        if self.groups:
            told["groups"] = self.groups
        if self.extra:
            told["extra"] = self.extra
        return told


LOOPBACK = User("system:apiserver", groups=(MASTERS,))
"""The server itself, where it acts on its own objects. No client is ever this very object."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a request wants to do, read from its URL and method alone (the body is not decoded yet).

    ``verb`` is Kubernetes' (get, list, watch, create, update, patch, delete, deletecollection), or
    the lower-case HTTP method for a path that is no resource.
    """

    user: User
    verb: str
    path: str
    is_resource: bool = False
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    label_selector: str = ""
    field_selector: str = ""
