"""Asks several authorizers in turn; the first opinion counts, and none of them is a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from strongroom.access.authz.policies import aggregate
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


@dataclass(slots=True)
class Tally:
    """How often an authorizer has ended the chain; ``type`` and ``name`` are those of metrics."""

    type: str
    name: str
    allowed: int = 0
    denied: int = 0


@dataclass(frozen=True, slots=True)
class NamedAuthorizer:
    """An authorizer in a chain. Its name, which no other there has, tells its reasons apart."""

    name: str
    authorizer: Authorizer
    tally: Tally = field(default_factory=lambda: Tally("", ""))


class UnionAuthorizer:
    """The first ALLOW or DENY ends the chain.

    The reasons of the silent ones are kept for its end, and so is what went wrong on the way.
    """

    def __init__(self, authorizers: Sequence[NamedAuthorizer]) -> None:
        self._authorizers = tuple(authorizers)

    async def authorize(self, attributes: Attributes) -> Decision:
        reasons, errors = [], []
        for one in self._authorizers:
            decision = await one.authorizer.authorize(attributes)
            if decision.verdict is Verdict.ALLOW:
                one.tally.allowed += 1
                return decision
            if decision.verdict is Verdict.DENY:
                one.tally.denied += 1
                return decision
            if decision.reason:
                reasons.append(f"{one.name}: {decision.reason}")
            if decision.error:
                errors.append(decision.error)
        if not reasons and not errors:
            return _NO_OPINION
        error = aggregate(list(dict.fromkeys(errors))) if errors else ""
        return Decision(Verdict.NO_OPINION, "\n".join(reasons), error)


def refusal(attributes: Attributes, reason: str = "") -> StatusError:
    """The 403 of a request that was not allowed, in upstream's words.

    Source: ``k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go``; markup in what
    the client sent is escaped, since the text is shown by browsers too.
    """
    message = _what(attributes).translate(MARKUP)
    return forbidden(
        GroupResource(attributes.group, attributes.resource),
        attributes.name,
        f"{message}: {reason}" if reason else message,
    )


MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""What no text that is made of a request has in it: browsers show such texts too."""


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
