"""Asks several authorizers in turn; the first opinion counts, and none of them is a refusal."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.access.authz.port import Authorizer, Decision, Verdict
from strongroom.access.user import MASTERS, Attributes
from strongroom.api.errors import GroupResource, StatusError, forbidden

_ALLOWED, _NO_OPINION = Decision(Verdict.ALLOW), Decision()


class MastersAuthorizer:
    """Members of ``system:masters`` may do everything; it has no opinion on anybody else."""

    async def authorize(self, attributes: Attributes) -> Decision:
        if MASTERS in attributes.user.groups:
            return _ALLOWED
        return _NO_OPINION


class UnionAuthorizer:
    """The first ALLOW or DENY ends the chain; the reasons of the silent ones are kept for it."""

    def __init__(self, authorizers: Sequence[Authorizer]) -> None:
        self._authorizers = tuple(authorizers)

    async def authorize(self, attributes: Attributes) -> Decision:
        reasons = []
        for authorizer in self._authorizers:
            decision = await authorizer.authorize(attributes)
            if decision.verdict is not Verdict.NO_OPINION:
                return decision
            if decision.reason:
                reasons.append(decision.reason)
        return Decision(Verdict.NO_OPINION, "\n".join(reasons))


def refusal(attributes: Attributes, reason: str = "") -> StatusError:
    """The 403 of a request that was not allowed, in upstream's words.

    Source: ``k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go``; markup in what
    the client sent is escaped, since the text is shown by browsers too.
    """
    message = _what(attributes).translate(_MARKUP)
    return forbidden(
        GroupResource(attributes.group, attributes.resource),
        attributes.name,
        f"{message}: {reason}" if reason else message,
    )


_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def _what(wanted: Attributes) -> str:
    user = wanted.user.name
    if not wanted.is_resource:
        return f'User "{user}" cannot {wanted.verb} path "{wanted.path}"'
    resource = wanted.resource + (f"/{wanted.subresource}" if wanted.subresource else "")
    where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    return (
        f'User "{user}" cannot {wanted.verb} resource "{resource}" '
        f'in API group "{wanted.group}" {where}'
    )
