"""How much work expressions may make: upstream's cost units, and a limit of time behind them.

Costs follow cel-go's: one for a name, a selection or a call, a tenth per character or element that
a function reads, ten for a list and thirty for a map that is made. Upstream allows an expression a
million, and all expressions of an object ten million. Our units take longer than Go's, and an
evaluation keeps the event loop to itself; so a request's expressions also end after ``seconds``.
(``k8s.io/apiserver/pkg/apis/cel/config.go``)
"""

from __future__ import annotations

from time import monotonic
from typing import NoReturn

from strongroom.api.cel.errors import CelBudgetError

PER_CALL = 1_000_000
PER_OBJECT = 10_000_000
PER_CONDITIONS = 2_500_000
SECONDS = 0.5

_MUCH = 32
"""Units that are worth a look at the clock."""

_EXCEEDED = "operation cancelled: actual cost limit exceeded"


class Budget:
    """What the expressions of one request may still cost, in units and in seconds of evaluation.

    An expression may start the evaluation of another one (a policy's ``variables``); both then
    take from the same budget, and the inner one has its own limit for one expression.
    """

    __slots__ = ("_call", "_depth", "_until", "left", "seconds")

    def __init__(self, total: float = PER_OBJECT, seconds: float = SECONDS) -> None:
        self.left = total
        self.seconds = seconds
        self._call = 0.0
        self._until = 0.0
        self._depth = 0

    def enter(self) -> float:
        """Start one expression. What is to be handed to :meth:`leave`."""
        outer = self._call
        if self._depth == 0:
            self._until = monotonic() + self.seconds
        self._depth += 1
        self._call = PER_CALL
        return outer

    def leave(self, outer: float) -> None:
        """End the expression."""
        self._depth -= 1
        self._call = outer
        if self._depth == 0:
            self.seconds = max(0.0, self._until - monotonic())

    def spend(self, units: float) -> None:
        """Take units before the work that they pay. Raises CelBudgetError."""
        self._call -= units
        self.left -= units
        if self._call < 0 or self.left < 0 or (units > _MUCH and monotonic() > self._until):
            self._exceeded()

    def tick(self, units: float) -> None:
        """As ``spend``, once each turn of a loop: looks at the clock too."""
        self._call -= units
        self.left -= units
        if self._call < 0 or self.left < 0 or monotonic() > self._until:
            self._exceeded()

    def _exceeded(self) -> NoReturn:
        raise CelBudgetError(_EXCEEDED, overall=self.left < 0 or monotonic() > self._until)
