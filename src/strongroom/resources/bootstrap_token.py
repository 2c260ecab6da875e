"""Bootstrap tokens: Secrets by which a new node and a cluster learn to trust each other.

A token reads ``ID.SECRET``. Its id is public and names the Secret; its secret is the key that signs
``cluster-info`` (:mod:`strongroom.resources.cluster_info`) and the credential of whoever joins.
Sources: ``k8s.io/cluster-bootstrap/token/api``, ``util/secrets`` and ``token/util``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from strongroom.api.times import parse_time
from strongroom.resources.secret import BOOTSTRAP_TOKEN, Secret

NAMESPACE = "kube-system"
PREFIX = "bootstrap-token-"
"""Of the names of the Secrets; the token's id follows."""

ID_KEY = "token-id"
SECRET_KEY = "token-secret"  # noqa: S105 - the name of a key
EXPIRATION_KEY = "expiration"
DESCRIPTION_KEY = "description"
GROUPS_KEY = "auth-extra-groups"
USAGE_PREFIX = "usage-bootstrap-"

SIGNING, AUTHENTICATION = "signing", "authentication"
USAGES = (SIGNING, AUTHENTICATION)
"""What a token may be good for; each is allowed by the value ``true`` of a key of its own."""

GROUP = "system:bootstrappers"
"""The group of everybody who shows a bootstrap token."""
DEFAULT_EXTRA_GROUP = "system:bootstrappers:kubeadm:default-node-token"
"""The group to which kubeadm, and strongroom after it, grants what a joining node needs."""

_ID = re.compile(r"[a-z0-9]{6}", re.ASCII)
_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})", re.ASCII)
_GROUP_PATTERN = r"\Asystem:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\z"
_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]", re.ASCII)
_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII
)  # as Go's time.RFC3339 reads it
_MICROSECONDS = re.compile(r"[.,](\d{1,6})\d*")

_PAST = timedelta()


def parse_token(token: str) -> tuple[str, str] | None:
    """The id and the secret of a token; None for what is no bootstrap token."""
    found = _TOKEN.fullmatch(token)
    return (found.group(1), found.group(2)) if found else None


def is_token_id(text: str) -> bool:
    """Whether this is the form of a token's id."""
    return _ID.fullmatch(text) is not None


def secret_name(token_id: str) -> str:
    """The name of the Secret that holds the token of this id."""
    return PREFIX + token_id


def value(secret: Secret, key: str) -> str:
    """The text under a key; empty where there is none."""
    return secret.data.get(key, b"").decode(errors="replace")


def time_left(secret: Secret, now: datetime) -> timedelta | None:
    """How long the token still holds; None if for ever, zero if it does not.

    An end that cannot be read has passed.
    """
    text = value(secret, EXPIRATION_KEY)
    if not text:
        return None
    if not _TIME.fullmatch(text):
        return _PAST
    try:
        end = parse_time(_MICROSECONDS.sub(r".\1", text))
    except (ValueError, OverflowError):
        return _PAST
    return max(end - now, _PAST)


def has_expired(secret: Secret, now: datetime) -> bool:
    """Whether the token's time is over."""
    return time_left(secret, now) == _PAST


def allows(secret: Secret, usage: str) -> bool:
    """Whether the token may be used so, one of ``USAGES``."""
    return value(secret, USAGE_PREFIX + usage) == "true"


def group_error(name: str) -> str | None:
    """Why a bootstrap token cannot bring this group; None when it can."""
    if _GROUP.fullmatch(name):
        return None
    return f'bootstrap group "{name}" is invalid (must match {_GROUP_PATTERN})'


def usages_error(usages: Iterable[str]) -> str | None:
    """Why these are no usages; None when all are known."""
    unknown = sorted(set(usages) - set(USAGES))
    if not unknown:
        return None
    given, known = ",".join(unknown), ",".join(USAGES)
    return f"invalid bootstrap token usage string: {given}, valid usage options: {known}"


def groups_of(secret: Secret) -> tuple[str, ...]:
    """The groups of who shows the token, sorted. Raises ValueError if one cannot be."""
    extra = value(secret, GROUPS_KEY)
    names = extra.split(",") if extra else []
    for name in names:
        if problem := group_error(name):
            raise ValueError(problem)
    return tuple(sorted({GROUP, *names}))


def signing_key(secret: Secret, now: datetime) -> tuple[str, bytes] | None:
    """The token's id and its secret, where it may sign; the secret is a key: keep it to yourself.

    None for any other Secret, and for one whose name and id differ.
    """
    token_id, key = value(secret, ID_KEY), secret.data.get(SECRET_KEY, b"")
    fits = secret.type == BOOTSTRAP_TOKEN and is_token_id(token_id)
    if not fits or secret.metadata.name != secret_name(token_id) or not key:
        return None
    if has_expired(secret, now) or not allows(secret, SIGNING):
        return None
    return token_id, key
