"""How the pods of a Job are scheduled together (``scheduling.k8s.io/v1alpha3``)."""

from __future__ import annotations

from typing import Annotated

from strongroom.api.schema import F, Struct, always

API_PACKAGE = "io.k8s.api.scheduling.v1alpha3"


class WorkloadPodGroupBasicSchedulingPolicy(Struct):
    """Pods are scheduled one by one."""


class WorkloadPodGroupGangSchedulingPolicy(Struct):
    """Pods are scheduled together or not at all."""

    minCount: Annotated[
        int | None, F(1, "How many pods there must be room for.", format="int32")
    ] = None


class WorkloadPodGroupSchedulingPolicy(Struct):
    """Whether pods are scheduled one by one or together: one of the two."""

    basic: Annotated[WorkloadPodGroupBasicSchedulingPolicy | None, F(1, "One by one.")] = None
    gang: Annotated[
        WorkloadPodGroupGangSchedulingPolicy | None, F(2, "Together or not at all.")
    ] = None


class TopologyConstraint(Struct):
    """Pods run on nodes that have a label's value in common."""

    key: Annotated[str, F(1, "Key of the nodes' label.", required=True)] = always(str)


class WorkloadPodGroupSchedulingConstraints(Struct):
    """Where pods may run."""

    topology: Annotated[
        list[TopologyConstraint], F(1, "What their nodes have in common.", list_type="atomic")
    ] = []


class WorkloadPodGroupSingleDisruptionMode(Struct):
    """Pods may be taken away one by one."""


class WorkloadPodGroupAllDisruptionMode(Struct):
    """Pods may be taken away only all together."""


class WorkloadPodGroupDisruptionMode(Struct):
    """How pods may be taken away: one of the two."""

    single: Annotated[WorkloadPodGroupSingleDisruptionMode | None, F(1, "One by one.")] = None
    all: Annotated[WorkloadPodGroupAllDisruptionMode | None, F(2, "All together.")] = None


class WorkloadPodGroupResourceClaim(Struct):
    """A claim of devices that pods share."""

    name: Annotated[str, F(1, "Name within the group.", required=True)] = always(str)
    resourceClaimName: Annotated[str | None, F(2, "The claim, if it is there already.")] = None
    resourceClaimTemplateName: Annotated[
        str | None, F(3, "The template that the claim is made of, if it is not.")
    ] = None
