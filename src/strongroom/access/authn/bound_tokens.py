"""Tokens that end with what they are bound to (``pkg/serviceaccount/claims.go``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from strongroom.access.authn.account_tokens import Known
from strongroom.access.authn.accounts import (
    CREDENTIAL_ID,
    NODE_NAME,
    NODE_UID,
    POD_NAME,
    POD_UID,
    account_user,
    credential_id,
)
from strongroom.access.authn.claims import Claims, Named, Private
from strongroom.access.authn.objects import Objects, Stored
from strongroom.access.authn.port import AuthenticationFailed
from strongroom.access.user import User
from strongroom.api.clock import Clock
from strongroom.api.times import parse_time

LEEWAY = 60.0
"""Seconds by which clocks may differ, and for which an object that is being deleted still counts:
a pod may have requests to make while it ends."""

STALE = "authentication.k8s.io/stale-token"

_INVALIDATED = "service account token has been invalidated"
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class _Bound:
    """What a token is bound to: kind, namespace, and the claim."""

    kind: str
    plural: str
    namespace: str
    named: Named


class BoundTokens:
    """Judges tokens of the TokenRequest API. ``count`` is told ``valid`` and ``stale`` ones."""

    def __init__(self, objects: Objects, clock: Clock, count: Callable[[str], None]) -> None:
        self._objects = objects
        self._clock = clock
        self._count = count

    async def judge(self, known: Known, token: str) -> tuple[User, Mapping[str, str]]:
        """Whose the token is now. Raises AuthenticationFailed."""
        now = self._clock.now().timestamp()
        _check_times(known.claims, now)
        private = known.claims.kubernetes or Private()
        bound = _bound_to(private)
        seen = (
            await self._objects.find(
                "serviceaccounts", private.namespace, private.serviceaccount.name
            ),
            await self._objects.find(bound.plural, bound.namespace, bound.named.name)
            if bound is not None
            else None,
        )
        user = known.user
        if user is None or known.seen[0] is not seen[0] or known.seen[1] is not seen[1]:
            user = self._look(known, private, bound, seen, now)
        if known.user is not None:
            known.until = _until(known.claims, private, now)
        return user, self._staleness(known, private, now)

    def _look(
        self,
        known: Known,
        private: Private,
        bound: _Bound | None,
        seen: tuple[Stored | None, Stored | None],
        now: float,
    ) -> User:
        """Compare the objects with the claims; keep the answer while they stay as they are."""
        known.user = None
        account, other = seen
        where = (private.namespace, private.serviceaccount)
        ending = _check_account(account, *where, now)
        if bound is not None:
            ending |= _check_bound(other, bound, now)
        user = account_user(
            private.namespace,
            private.serviceaccount.name,
            private.serviceaccount.uid,
            _extra(private, known.claims.jti),
        )
        if not ending:
            # For what is being deleted, the answer changes with time alone.
            known.seen, known.user = seen, user
        return user

    def _staleness(self, known: Known, private: Private, now: float) -> Mapping[str, str]:
        """What the audit log is told of a token that is good only for those who never renew it."""
        if not private.warnafter:
            return _NOTHING
        if now <= private.warnafter:
            known.again = self._count_valid
            self._count("valid")
            return _NOTHING
        self._count("stale")
        late = int(now) - int(private.warnafter)
        subject = known.claims.sub
        return {STALE: f"subject: {subject}, seconds after warning threshold: {late}"}

    def _count_valid(self) -> None:
        self._count("valid")


def _check_times(claims: Claims, now: float) -> None:
    if claims.nbf is not None and now + LEEWAY < int(claims.nbf):
        raise AuthenticationFailed("service account token is not valid yet")
    if claims.exp is not None and now - LEEWAY > int(claims.exp):
        raise AuthenticationFailed("service account token has expired")
    if claims.iat is not None and now + LEEWAY < int(claims.iat):
        raise AuthenticationFailed("service account token is issued in the future")


def _until(claims: Claims, private: Private, now: float) -> float:
    """When time alone changes what is said; 0 when it does each second."""
    end = now + LEEWAY if claims.exp is None else int(claims.exp) + LEEWAY
    if not private.warnafter:
        return end
    return min(end, private.warnafter) if now <= private.warnafter else 0.0


def _check_account(stored: Stored | None, namespace: str, named: Named, now: float) -> bool:
    """Whether the account is being deleted. Raises AuthenticationFailed when it is not the one."""
    if stored is None:
        raise AuthenticationFailed(f'serviceaccounts "{named.name}" not found')
    meta = stored.peek().metadata
    if meta.uid != named.uid:
        raise AuthenticationFailed(
            f"service account UID ({meta.uid}) does not match claim ({named.uid})"
        )
    if _gone(meta.deletionTimestamp, now):
        raise AuthenticationFailed(f"service account {namespace}/{named.name} has been deleted")
    return bool(meta.deletionTimestamp)


def _check_bound(stored: Stored | None, bound: _Bound, now: float) -> bool:
    """Whether the object is being deleted. Raises AuthenticationFailed when it is not the one."""
    if stored is None:
        raise AuthenticationFailed(_INVALIDATED)
    meta = stored.peek().metadata
    if meta.uid != bound.named.uid:
        raise AuthenticationFailed(
            f"{bound.kind} UID ({meta.uid}) does not match service account {bound.kind} ref claim "
            f"({bound.named.uid})"
        )
    if _gone(meta.deletionTimestamp, now):
        raise AuthenticationFailed(_INVALIDATED)
    return bool(meta.deletionTimestamp)


def _gone(deleted: str, now: float) -> bool:
    """Whether something has been marked for deletion for longer than requests may take."""
    return bool(deleted) and parse_time(deleted).timestamp() < now - LEEWAY


def _bound_to(private: Private) -> _Bound | None:
    # The node in the token of a pod only tells where the pod was: the pod is what counts.
    namespace = private.namespace
    if private.secret is not None:
        return _Bound("secret", "secrets", namespace, private.secret)
    if private.pod is not None:
        return _Bound("pod", "pods", namespace, private.pod)
    if private.node is not None:
        return _Bound("node", "nodes", "", private.node)
    return None


def _extra(private: Private, jti: str) -> dict[str, str]:
    pod, node = private.pod, private.node
    extra: dict[str, str] = {}
    if pod is not None and pod.name and pod.uid:
        extra |= {POD_NAME: pod.name, POD_UID: pod.uid}
    extra[CREDENTIAL_ID] = credential_id(jti)
    if node is not None and node.name:
        extra |= {NODE_NAME: node.name, NODE_UID: node.uid}
    return extra
