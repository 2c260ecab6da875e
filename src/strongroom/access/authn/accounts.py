"""ServiceAccounts as users (``k8s.io/apiserver/pkg/authentication/serviceaccount``)."""

from __future__ import annotations

from collections.abc import Mapping

from strongroom.access.user import User
from strongroom.api.validation import dns_label, dns_subdomain

PREFIX = "system:serviceaccount:"
ALL = "system:serviceaccounts"
GROUP_PREFIX = "system:serviceaccounts:"

_EXTRA = "authentication.kubernetes.io/"
CREDENTIAL_ID = f"{_EXTRA}credential-id"
POD_NAME, POD_UID = f"{_EXTRA}pod-name", f"{_EXTRA}pod-uid"
NODE_NAME, NODE_UID = f"{_EXTRA}node-name", f"{_EXTRA}node-uid"


def username(namespace: str, name: str) -> str:
    """The name that an account goes by as a user."""
    return f"{PREFIX}{namespace}:{name}"


def split_username(name: str) -> tuple[str, str] | None:
    """Namespace and name of the account that a user name means; None when it means none."""
    if not name.startswith(PREFIX):
        return None
    parts = name.removeprefix(PREFIX).split(":")
    if len(parts) != 2 or dns_label(parts[0]) or dns_subdomain(parts[1]):
        return None
    return parts[0], parts[1]


def account_user(namespace: str, name: str, uid: str, extra: Mapping[str, str]) -> User:
    """An account as a user; of ``extra``, what is empty is left out."""
    return User(
        username(namespace, name),
        uid,
        (ALL, f"{GROUP_PREFIX}{namespace}"),
        {key: (value,) for key, value in extra.items() if value},
    )


def credential_id(jti: str) -> str:
    """How a token's own id is told among the extras of its user, and in the audit log."""
    return f"JTI={jti}" if jti else ""
