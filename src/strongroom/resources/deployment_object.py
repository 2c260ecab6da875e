"""The Deployment itself: apart from its behaviour, so that rules about it need not import that."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import LabelSelector, Object
from strongroom.api.schema import F, Struct, always
from strongroom.resources.pod_template_spec import PodTemplateSpec

API_PACKAGE = "io.k8s.api.apps.v1"


class RollingUpdateDeployment(Struct):
    """How many pods may be missing or too many while pods are replaced."""

    maxUnavailable: Annotated[
        int | str | None,
        F(1, "Pods that may be missing: a number, or a share such as 25%.", format="int-or-string"),
    ] = None
    maxSurge: Annotated[
        int | str | None,
        F(
            2,
            "Pods that may be too many: a number, or a share such as 25%.",
            format="int-or-string",
        ),
    ] = None


class DeploymentStrategy(Struct):
    """How old pods are replaced by new ones."""

    type: Annotated[
        str,
        F(
            1,
            "RollingUpdate replaces little by little, Recreate ends all before it begins.",
            enum=("Recreate", "RollingUpdate"),
        ),
    ] = ""
    rollingUpdate: Annotated[
        RollingUpdateDeployment | None, F(2, "How to roll; for RollingUpdate only.")
    ] = None


class DeploymentSpec(Struct):
    """What a Deployment is to be."""

    replicas: Annotated[int | None, F(1, "How many pods; 1 if unset.", format="int32")] = None
    selector: Annotated[
        LabelSelector | None,
        F(2, "The pods, by the labels of the template; cannot be changed.", required=True),
    ] = None
    template: Annotated[PodTemplateSpec, F(3, "The pods to make.", required=True)] = msgspec.field(
        default_factory=PodTemplateSpec
    )
    strategy: Annotated[
        DeploymentStrategy, F(4, "How old pods are replaced.", patch="retainKeys")
    ] = msgspec.field(default_factory=DeploymentStrategy)
    minReadySeconds: Annotated[
        int, F(5, "Seconds that a pod must be ready to count as available.", format="int32")
    ] = 0
    revisionHistoryLimit: Annotated[
        int | None, F(6, "How many old ReplicaSets are kept; 10 if unset.", format="int32")
    ] = None
    paused: Annotated[bool, F(7, "Whether changes of the template wait.")] = False
    progressDeadlineSeconds: Annotated[
        int | None,
        F(9, "Seconds without progress after which it has failed; 600 if unset.", format="int32"),
    ] = None


class DeploymentCondition(Struct):
    """One aspect of a Deployment's state."""

    type: Annotated[str, F(1, "Available, Progressing or ReplicaFailure.")] = always(str)
    status: Annotated[str, F(2, "True, False or Unknown.")] = always(str)
    lastUpdateTime: Annotated[
        str, F(6, "When the condition was last reported.", format="date-time", by_value=True)
    ] = ""
    lastTransitionTime: Annotated[
        str, F(7, "When the status last changed.", format="date-time", by_value=True)
    ] = ""
    reason: Annotated[str, F(4, "Why, for programs.")] = ""
    message: Annotated[str, F(5, "Why, for people.")] = ""


class DeploymentStatus(Struct):
    """What was last seen of a Deployment's pods."""

    observedGeneration: Annotated[
        int, F(1, "The generation that the controller has acted on.", format="int64")
    ] = 0
    replicas: Annotated[int, F(2, "Pods that are not ending.", format="int32")] = 0
    updatedReplicas: Annotated[int, F(3, "Those that match the template.", format="int32")] = 0
    readyReplicas: Annotated[int, F(7, "Those that are ready.", format="int32")] = 0
    availableReplicas: Annotated[
        int, F(4, "Those that have been ready for long enough.", format="int32")
    ] = 0
    unavailableReplicas: Annotated[int, F(5, "Those that are missing.", format="int32")] = 0
    terminatingReplicas: Annotated[int | None, F(9, "Pods that are ending.", format="int32")] = None
    conditions: Annotated[
        list[DeploymentCondition],
        F(
            6,
            "Aspects of the present state.",
            list_type="map",
            list_keys=("type",),
            patch="merge",
            merge_key="type",
        ),
    ] = []
    collisionCount: Annotated[
        int | None, F(8, "How often a ReplicaSet's name was taken.", format="int32")
    ] = None


class Deployment(Object):
    """Pods of one description, any number of them, replaced in steps when that changes.

    Stored and validated; no controller of ours makes its pods.
    """

    spec: Annotated[DeploymentSpec, F(2, "What is wanted.", required=True)] = msgspec.field(
        default_factory=DeploymentSpec
    )
    status: Annotated[DeploymentStatus, F(3, "What is there.")] = msgspec.field(
        default_factory=DeploymentStatus
    )
