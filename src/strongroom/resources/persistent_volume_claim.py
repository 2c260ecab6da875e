"""A claim of storage as a whole object: the form in which StatefulSets hold theirs."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.resources.pod_claim import PersistentVolumeClaimSpec
from strongroom.resources.pod_status import VolumeHealthCondition

_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")


class PersistentVolumeClaimCondition(Struct):
    """One aspect of a claim's state."""

    type: Annotated[str, F(1, "The aspect, such as Resizing.", required=True)] = always(str)
    status: Annotated[str, F(2, "True, False or Unknown.", required=True)] = always(str)
    lastProbeTime: Annotated[
        str, F(3, "When the condition was last looked at.", format="date-time", by_value=True)
    ] = ""
    lastTransitionTime: Annotated[
        str, F(4, "When the status last changed.", format="date-time", by_value=True)
    ] = ""
    reason: Annotated[str, F(5, "Why it last changed, for programs.")] = ""
    message: Annotated[str, F(6, "The same for people.")] = ""


class ModifyVolumeStatus(Struct):
    """How far a change of a volume's class of attributes has come."""

    targetVolumeAttributesClassName: Annotated[str, F(1, "The class that is to be.")] = ""
    status: Annotated[
        str,
        F(
            2,
            "How far it has come.",
            enum=("InProgress", "Infeasible", "Pending"),
            required=True,
        ),
    ] = always(str)


class VolumeHealthStatus(Struct):
    """What a storage driver says of a volume's health."""

    healthConditions: Annotated[
        list[VolumeHealthCondition],
        F(
            1,
            "What is wrong; nothing if empty.",
            list_type="map",
            list_keys=("status", "reason"),
            patch="merge",
            merge_key="status",
        ),
    ] = []
    lastTransitionTime: Annotated[
        str, F(2, "Since when the conditions are these.", format="date-time", by_value=True)
    ] = ""


class PersistentVolumeClaimStatus(Struct):
    """What a claim has got."""

    phase: Annotated[str, F(1, "Pending, Bound or Lost.", enum=("Bound", "Lost", "Pending"))] = ""
    accessModes: Annotated[
        list[str],
        F(2, "How the volume can be mounted.", enum=_ACCESS_MODES, list_type="atomic"),
    ] = []
    capacity: Annotated[dict[str, str], F(3, "What the volume has.", format="quantity")] = {}
    conditions: Annotated[
        list[PersistentVolumeClaimCondition],
        F(
            4,
            "Aspects of the present state.",
            list_type="map",
            list_keys=("type",),
            patch="merge",
            merge_key="type",
        ),
    ] = []
    allocatedResources: Annotated[
        dict[str, str], F(5, "What has been set aside for a larger volume.", format="quantity")
    ] = {}
    allocatedResourceStatuses: Annotated[
        dict[str, str], F(7, "How far growing has come, by resource.", granular=True)
    ] = {}
    currentVolumeAttributesClassName: Annotated[
        str | None, F(8, "The class of attributes that the volume has.")
    ] = None
    modifyVolumeStatus: Annotated[
        ModifyVolumeStatus | None, F(9, "How far a change of that class has come.")
    ] = None
    healthStatus: Annotated[
        VolumeHealthStatus | None, F(10, "What the driver says of the volume's health.")
    ] = None


class PersistentVolumeClaim(Object):
    """A claim of storage. It is no kind that we serve: StatefulSets hold claims to be made."""

    spec: Annotated[PersistentVolumeClaimSpec, F(2, "What is asked.")] = msgspec.field(
        default_factory=PersistentVolumeClaimSpec
    )
    status: Annotated[PersistentVolumeClaimStatus, F(3, "What was got.")] = msgspec.field(
        default_factory=PersistentVolumeClaimStatus
    )
