"""What a decision by RBAC costs by itself, among few bindings and many, taking turns.

Without HTTP around it, which costs a hundred times as much and hides what grows.
"""

from __future__ import annotations

import itertools
import statistics
import time
from dataclasses import replace

from bench.cases import Measurements
from strongroom.access.authz.policies import Policies
from strongroom.access.authz.port import Verdict
from strongroom.access.authz.rbac import RBACAuthorizer
from strongroom.access.user import Attributes, User
from strongroom.resources.rbac import PolicyRule, RoleRef, Subject

TURNS = 7
ASKED = 2_000
"""Questions a turn."""

_GET = Attributes(
    User(""), "get", "/", True, "", "v1", "secrets", namespace="default", name="s"
)  # fmt: skip - as a call


async def decisions(counts: tuple[int, ...]) -> Measurements:
    """Decisions per second on first questions, and on those asked before; medians."""
    authorizers = {count: RBACAuthorizer(_policies(count)) for count in counts}
    numbers = itertools.count()
    rates: dict[str, list[float]] = {}
    for _ in range(TURNS):
        for count, authorizer in authorizers.items():
            fresh = [_question(next(numbers), count) for _ in range(ASKED)]
            for what in ("first", "repeated"):
                began = time.perf_counter()
                for question in fresh:
                    decision = await authorizer.authorize(question)
                    assert decision.verdict is Verdict.ALLOW
                seconds = time.perf_counter() - began
                name = f"{what} decisions by RBAC/s with {count:,} bindings"
                rates.setdefault(name, []).append(ASKED / seconds)
    return {name: statistics.median(found) for name, found in sorted(rates.items())}


def _policies(count: int) -> Policies:
    policies = Policies()
    rule = PolicyRule(verbs=["get"], apiGroups=[""], resources=["secrets"])
    policies.put_role("", "bench", [rule])
    role = RoleRef(kind="ClusterRole", name="bench")
    for number in range(count):
        subject = Subject(kind="User", name=f"user-{number}")
        policies.put_binding("", f"bench-{number:06}", role, [subject])
    return policies


def _question(number: int, count: int) -> Attributes:
    """One that was not asked yet."""
    return replace(_GET, user=User(f"user-{number % count}"), name=f"s-{number}")
