"""What is kept of a Secret's past: whose, how much of it, and what a kept state looks like."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from strongroom.api.apply.last_applied import ANNOTATION as LAST_APPLIED
from strongroom.api.meta import Object, ObjectMeta
from strongroom.api.times import format_time
from strongroom.resources.secret import BOOTSTRAP_TOKEN, SERVICE_ACCOUNT_TOKEN, Secret
from strongroom.resources.secret_reference import REFERENCE
from strongroom.resources.secretrevision import SecretRevision, SecretRevisionSpec, revision_name
from strongroom.resources.strongroom_annotations import HISTORY

MOST: Final = 100
"""Revisions of one Secret that an annotation may ask for."""

HELM_RELEASE = "helm.sh/release.v1"

NEVER = frozenset({SERVICE_ACCOUNT_TOKEN, BOOTSTRAP_TOKEN, REFERENCE})
"""Types whose deletion revokes what they hold: bringing one back would undo that. References hold
nothing."""

UNLESS_ASKED = frozenset({HELM_RELEASE})
"""Types that are a history themselves: kept where the Secret's own annotation asks for it."""

_OFF = frozenset({"off", "0", "false", "no", "none", "never", "disabled"})


def asked_limit(annotations: Mapping[str, str]) -> int | None:
    """How many revisions an object's annotation asks for; None where it says nothing usable."""
    text = annotations.get(HISTORY, "").strip().lower()
    if text in _OFF:
        return 0
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), MOST)
    return None


def unusable(annotations: Mapping[str, str]) -> str:
    """What to warn of in an object's annotation; empty if there is nothing."""
    if HISTORY not in annotations or asked_limit(annotations) is not None:
        return ""
    return (
        f'metadata.annotations[{HISTORY}]: must be "off" or a number of revisions; '
        "the annotation has no effect"
    )


def limit_of(default: int, kind: str, own: Mapping[str, str], namespace: Mapping[str, str]) -> int:
    """How many revisions are kept of a Secret of a type with these annotations.

    Nobody gets any where the server keeps none (``default`` 0). Else the Secret's own annotation
    says it, then that of its namespace.
    """
    if not default or kind in NEVER:
        return 0
    asked = asked_limit(own)
    if asked is not None:
        return asked
    if kind in UNLESS_ASKED:
        return 0
    asked = asked_limit(namespace)
    return default if asked is None else asked


def is_another_state(old: Secret, new: Object | None) -> bool:
    """Whether the old state is worth keeping: metadata that changes makes no new state."""
    return not isinstance(new, Secret) or new.data != old.data or new.type != old.type


def revision_of(
    old: Secret, revision: int, uid: str, now: datetime, user: str, operation: str
) -> SecretRevision:
    """The state that a Secret had at ``revision`` (its resourceVersion) and that ends now.

    Shares nothing that could change with the Secret but its values, which are bytes.
    """
    meta = old.metadata
    annotations = {key: text for key, text in meta.annotations.items() if key != LAST_APPLIED}
    spec = SecretRevisionSpec(
        secretName=meta.name,
        secretUID=meta.uid,
        secretResourceVersion=str(revision),
        type=old.type,
        immutable=old.immutable,
        labels=dict(meta.labels),
        annotations=annotations,
        secretCreationTimestamp=meta.creationTimestamp,
        replacedAt=format_time(now),
        replacedBy=user,
        operation=operation,
    )
    about = ObjectMeta(
        name=revision_name(meta.name, revision),
        namespace=meta.namespace,
        uid=uid,
        creationTimestamp=format_time(now),
    )
    return SecretRevision(metadata=about, data=dict(old.data), spec=spec)
