"""Which authorizers judge: the names of ``--authorization-mode``, as kube-apiserver has them."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.access.authz.port import Decision, Verdict
from strongroom.access.user import Attributes

ALWAYS_ALLOW, ALWAYS_DENY = "AlwaysAllow", "AlwaysDeny"
NODE, RBAC, WEBHOOK = "Node", "RBAC", "Webhook"
DEFAULT = (NODE, RBAC)
OURS = (ALWAYS_ALLOW, ALWAYS_DENY, NODE, RBAC, WEBHOOK)
_THEIRS = ("ABAC",)


def name_of(mode: str) -> str:
    """How metrics and refusals name the authorizer of a mode."""
    return mode.lower()


def mode_error(modes: Sequence[str]) -> str:
    """What is wrong with a list of modes; "" if nothing is."""
    if not modes:
        return "authorization-mode must contain at least one mode"
    for i, mode in enumerate(modes):
        if mode in _THEIRS:
            return f"strongroom has no authorization mode {mode}"
        if mode not in OURS:
            return f'authorization-mode "{mode}" is not a valid mode'
        if mode in modes[:i]:
            return f'authorization-mode "{mode}" is repeated'
    return ""


class Always:
    """Says the same of everything (``authorizerfactory/builtin.go``)."""

    def __init__(self, *, allow: bool) -> None:
        refused = Decision(reason="Everything is forbidden.")
        self._decision = Decision(Verdict.ALLOW) if allow else refused

    async def authorize(self, attributes: Attributes) -> Decision:
        return self._decision
