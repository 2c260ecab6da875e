"""One question about one namespace, with what all ways to an answer look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from strongroom.cli.rights.facts import Facts, Using
from strongroom.cli.rights.held import Grant, Right, Whom
from strongroom.cli.rights.paths import Asked, Path, Way
from strongroom.resources.rbac import GROUP_KIND, SERVICE_ACCOUNT
from strongroom.resources.rbac_rules import Rule

_ACCOUNTS_OF = "system:serviceaccounts:"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a way may be open, by any of these rights, and what it leads over there."""

    namespace: str
    rights: tuple[Right, ...]
    target: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A service account that may; all of the namespace for an empty name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        if self.name:
            return f"ServiceAccount {self.namespace}/{self.name}"
        return f"ServiceAccounts of {self.namespace}"


@dataclass(slots=True)
class Case:
    """The question, who may directly, and the pods that use what it is about."""

    facts: Facts
    asked: Asked
    direct: Sequence[Path]
    pods: list[Using] = field(init=False)
    subjects: list[Whom] = field(init=False)
    """Those who may directly."""
    _anyway: set[Whom] = field(init=False)

    def __post_init__(self) -> None:
        namespace, name = self.asked.namespace, self.asked.name
        self.pods = [pod for pod in self.facts.pods if pod.uses(namespace, name)]
        self.subjects = list(dict.fromkeys(path.whom for path in self.direct))
        # Whoever is limited to some names may come to others by another way.
        self._anyway = {p.whom for p in self.direct if name or (p.rule and not p.rule.names)}

    def may_anyway(self, whom: Whom) -> bool:
        """Whether somebody needs no other way."""
        return whom in self._anyway

    def accounts(self) -> Iterator[Account]:
        """The service accounts that may directly."""
        for whom in self.subjects:
            if whom.kind == SERVICE_ACCOUNT:
                yield Account(whom.namespace, whom.name)
            elif whom.kind == GROUP_KIND and whom.name.startswith(_ACCOUNTS_OF):
                yield Account(whom.name.removeprefix(_ACCOUNTS_OF), "")

    def paths(
        self, way: Way, places: Iterable[Place], *, given: Callable[[Whom], bool] | None = None
    ) -> Iterator[Path]:
        """A path for each grant that opens the way anywhere, with all that it leads over.

        ``given`` says what a subject must be able to do besides. Who may anyway needs no way.
        """
        opened: dict[Grant, tuple[Rule, list[str]]] = {}
        for place in places:
            for grant, rule in self.facts.holding(place.namespace, place.rights):
                targets = opened.setdefault(grant, (rule, []))[1]
                if place.target:
                    targets.append(place.target)
        for grant, (rule, targets) in opened.items():
            if not self.may_anyway(grant.whom) and (given is None or given(grant.whom)):
                yield Path(grant.whom, way, grant, rule, tuple(targets))
