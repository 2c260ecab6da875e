"""Subjects that stand for more people than one would think."""

from __future__ import annotations

from strongroom.cli.rights.held import Whom
from strongroom.resources.rbac import GROUP_KIND, SERVICE_ACCOUNT, USER

_ANONYMOUS = {Whom(USER, "system:anonymous"), Whom(GROUP_KIND, "system:unauthenticated")}
_ACCOUNTS = "system:serviceaccounts"
_EVERYBODY = {Whom(GROUP_KIND, "system:authenticated"), Whom(GROUP_KIND, _ACCOUNTS)}


def is_anonymous(whom: Whom) -> bool:
    """Whether it is who shows no credentials."""
    return whom in _ANONYMOUS


def is_everybody(whom: Whom) -> bool:
    """Whether it is all who show credentials, or all service accounts."""
    return whom in _EVERYBODY


def identities(whom: Whom) -> list[Whom]:
    """The subject and the groups that it is in by what it is."""
    groups: list[str] = []
    if whom.kind == SERVICE_ACCOUNT:
        groups = [_ACCOUNTS, f"{_ACCOUNTS}:{whom.namespace}"]
    elif whom.kind == USER and whom.name.startswith("system:node:"):
        groups = ["system:nodes"]
    return [whom, *(Whom(GROUP_KIND, group) for group in groups)]


def is_default_account(whom: Whom) -> bool:
    """Whether it is the account of pods that name none, or that of a namespace's whole lot."""
    if whom.kind == GROUP_KIND:
        return whom.name.startswith("system:serviceaccounts:")
    return whom.kind == SERVICE_ACCOUNT and whom.name == "default"
