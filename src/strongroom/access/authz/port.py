"""The contract of an authorizer. Deny is the zero value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from strongroom.access.user import Attributes
from strongroom.resources.rbac_rules import Rule


class Verdict(IntEnum):
    """An authorizer's answer. NO_OPINION of all is a refusal; DENY ends the chain."""

    NO_OPINION = 0
    ALLOW = 1
    DENY = 2


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with the reason that the refused client and the audit log are told.

    ``error`` is what went wrong on the way. What is allowed stays so; where it is not, nobody can
    tell whether it should be, and a request ends as an error of the server.
    """

    verdict: Verdict = Verdict.NO_OPINION
    reason: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """What somebody may do, as far as an authorizer can list it.

    ``incomplete`` says that it cannot list all, ``error`` what went wrong on the way.
    """

    rules: tuple[Rule, ...] = ()
    incomplete: bool = False
    error: str = ""


class Authorizer(Protocol):
    """Decides on attributes only; must not read the body and must not change anything."""

    async def authorize(self, attributes: Attributes) -> Decision: ...
