"""Lease: how nodes say that they are alive, and how controllers agree on a leader."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct
from strongroom.api.validation import (
    Path,
    forbidden_field,
    invalid_value,
    not_supported,
    qualified_name,
)
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.resource import Column, Resource

NODE_LEASE_NAMESPACE = "kube-node-lease"
"""Where each node renews a Lease of its own name."""

API_PACKAGE = "io.k8s.api.coordination.v1"
"""Where OpenAPI places the types of this module."""

_STRATEGIES = ("OldestEmulationVersion",)


class LeaseSpec(Struct):
    """Who holds the lease and until when."""

    holderIdentity: Annotated[
        str | None, F(1, "Identity of the holder; empty when the lease is free.")
    ] = None
    leaseDurationSeconds: Annotated[
        int | None, F(2, "Seconds after renewTime for which others must wait.", format="int32")
    ] = None
    acquireTime: Annotated[
        str, F(3, "When the present holder took the lease.", format="date-time", micro=True)
    ] = ""
    renewTime: Annotated[
        str, F(4, "When the holder last said that it is alive.", format="date-time", micro=True)
    ] = ""
    leaseTransitions: Annotated[
        int | None, F(5, "How often the holder has changed.", format="int32")
    ] = None
    strategy: Annotated[
        str | None, F(6, "How the holder is chosen when leader election is coordinated.")
    ] = None
    preferredHolder: Annotated[str | None, F(7, "Who should take over; needs a strategy.")] = None


class Lease(Object):
    """A claim to be alive or to lead, renewed again and again by its holder."""

    spec: Annotated[LeaseSpec, F(2, "The claim.")] = msgspec.field(default_factory=LeaseSpec)


class LeaseResource(Resource[Lease]):
    """The behaviour of Leases."""

    def validate(self, obj: Lease) -> list[FieldError]:
        spec, path = obj.spec, Path("spec")
        errors = []
        if spec.leaseDurationSeconds is not None and spec.leaseDurationSeconds <= 0:
            detail = "must be greater than 0"
            field = path / "leaseDurationSeconds"
            errors.append(invalid_value(field, spec.leaseDurationSeconds, detail))
        if spec.leaseTransitions is not None and spec.leaseTransitions < 0:
            detail = "must be greater than or equal to 0"
            errors.append(invalid_value(path / "leaseTransitions", spec.leaseTransitions, detail))
        if spec.strategy is not None:
            # Upstream names the field twice in this path.
            errors += _strategy_errors(spec.strategy, path / "strategy" / "strategy")
        if spec.preferredHolder and not spec.strategy:
            detail = "may only be specified if `strategy` is defined"
            errors.append(forbidden_field(path / "preferredHolder", detail))
        return errors


def _strategy_errors(strategy: str, path: Path) -> list[FieldError]:
    if "/" in strategy:
        return [invalid_value(path, strategy, message) for message in qualified_name(strategy)]
    if strategy in _STRATEGIES:
        return []
    return [not_supported(path, strategy, _STRATEGIES)]


LEASES = LeaseResource(
    group="coordination.k8s.io",
    version="v1",
    kind="Lease",
    plural="leases",
    singular="lease",
    type=Lease,
    namespaced=True,
    columns=(
        NAME,
        Column(
            "Holder",
            lambda lease, now: lease.spec.holderIdentity or "",
            description="Who holds the lease.",
        ),
        AGE,
    ),
    unconditional_update=False,
    create_on_update=True,
)
