"""The StatefulSet itself: apart from its behaviour, so that rules need not import that."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import LabelSelector, Object
from strongroom.api.schema import F, Struct, always
from strongroom.resources.persistent_volume_claim import PersistentVolumeClaim
from strongroom.resources.pod_template_spec import PodTemplateSpec
from strongroom.resources.workload import WorkloadCondition

API_PACKAGE = "io.k8s.api.apps.v1"


class RollingUpdateStatefulSetStrategy(Struct):
    """Which pods are replaced, and how many at a time."""

    partition: Annotated[
        int | None, F(1, "The lowest number of a pod that is replaced.", format="int32")
    ] = None
    maxUnavailable: Annotated[
        int | str | None,
        F(2, "Pods that may be missing: a number, or a share.", format="int-or-string"),
    ] = None


class StatefulSetUpdateStrategy(Struct):
    """How old pods are replaced by new ones."""

    type: Annotated[
        str,
        F(
            1,
            "RollingUpdate replaces little by little, OnDelete what is deleted.",
            enum=("OnDelete", "RollingUpdate"),
        ),
    ] = ""
    rollingUpdate: Annotated[
        RollingUpdateStatefulSetStrategy | None, F(2, "How to roll; for RollingUpdate only.")
    ] = None


class StatefulSetPersistentVolumeClaimRetentionPolicy(Struct):
    """What becomes of the claims of pods that go."""

    whenDeleted: Annotated[str, F(1, "Retain or Delete, when the StatefulSet goes.")] = ""
    whenScaled: Annotated[str, F(2, "Retain or Delete, when fewer pods are wanted.")] = ""


class StatefulSetOrdinals(Struct):
    """How pods are numbered."""

    start: Annotated[int, F(1, "Number of the first pod.", format="int32")] = always(int)


class StatefulSetSpec(Struct):
    """What a StatefulSet is to be."""

    replicas: Annotated[int | None, F(1, "How many pods; 1 if unset.", format="int32")] = None
    selector: Annotated[
        LabelSelector | None,
        F(2, "The pods, by the labels of the template; cannot be changed.", required=True),
    ] = None
    template: Annotated[PodTemplateSpec, F(3, "The pods to make.", required=True)] = msgspec.field(
        default_factory=PodTemplateSpec
    )
    volumeClaimTemplates: Annotated[
        list[PersistentVolumeClaim],
        F(4, "Claims that each pod gets of its own.", list_type="atomic"),
    ] = []
    serviceName: Annotated[
        str, F(5, "The Service below whose name each pod has a name of its own.")
    ] = always(str)
    podManagementPolicy: Annotated[
        str,
        F(
            6,
            "Whether pods are made and ended one after the other or all at once.",
            enum=("OrderedReady", "Parallel"),
        ),
    ] = ""
    updateStrategy: Annotated[StatefulSetUpdateStrategy, F(7, "How old pods are replaced.")] = (
        msgspec.field(default_factory=StatefulSetUpdateStrategy)
    )
    revisionHistoryLimit: Annotated[
        int | None, F(8, "How many old revisions are kept; 10 if unset.", format="int32")
    ] = None
    minReadySeconds: Annotated[
        int, F(9, "Seconds that a pod must be ready to count as available.", format="int32")
    ] = 0
    persistentVolumeClaimRetentionPolicy: Annotated[
        StatefulSetPersistentVolumeClaimRetentionPolicy | None,
        F(10, "What becomes of the claims of pods that go."),
    ] = None
    ordinals: Annotated[StatefulSetOrdinals | None, F(11, "How pods are numbered.")] = None


class StatefulSetCondition(WorkloadCondition):
    """One aspect of a StatefulSet's state."""


class StatefulSetStatus(Struct):
    """What was last seen of a StatefulSet's pods."""

    observedGeneration: Annotated[
        int, F(1, "The generation that the controller has acted on.", format="int64")
    ] = 0
    replicas: Annotated[int, F(2, "Pods that were made.", format="int32", required=True)] = always(
        int
    )
    readyReplicas: Annotated[int, F(3, "Those that are ready.", format="int32")] = 0
    currentReplicas: Annotated[
        int, F(4, "Those of the revision that is being replaced.", format="int32")
    ] = 0
    updatedReplicas: Annotated[int, F(5, "Those of the new revision.", format="int32")] = 0
    currentRevision: Annotated[str, F(6, "The revision that is being replaced.")] = ""
    updateRevision: Annotated[str, F(7, "The new revision.")] = ""
    collisionCount: Annotated[
        int | None, F(9, "How often a revision's name was taken.", format="int32")
    ] = None
    conditions: Annotated[
        list[StatefulSetCondition],
        F(
            10,
            "Aspects of the present state.",
            list_type="map",
            list_keys=("type",),
            patch="merge",
            merge_key="type",
        ),
    ] = []
    availableReplicas: Annotated[
        int, F(11, "Those that have been ready for long enough.", format="int32")
    ] = always(int)


class StatefulSet(Object):
    """Numbered pods of one description, each with a name and storage that stay its own.

    Stored and validated; no controller of ours makes its pods or their claims.
    """

    spec: Annotated[StatefulSetSpec, F(2, "What is wanted.", required=True)] = msgspec.field(
        default_factory=StatefulSetSpec
    )
    status: Annotated[StatefulSetStatus, F(3, "What is there.")] = msgspec.field(
        default_factory=StatefulSetStatus
    )
