"""The Job itself: apart from its behaviour, because CronJobs hold a template of it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import LabelSelector, Object, ObjectMeta
from strongroom.api.schema import F, Struct, always
from strongroom.resources.job_policies import PodFailurePolicy, SuccessPolicy
from strongroom.resources.job_scheduling import (
    WorkloadPodGroupDisruptionMode,
    WorkloadPodGroupResourceClaim,
    WorkloadPodGroupSchedulingConstraints,
    WorkloadPodGroupSchedulingPolicy,
)
from strongroom.resources.pod_template_spec import PodTemplateSpec

API_PACKAGE = "io.k8s.api.batch.v1"


class JobSchedulingConfiguration(Struct):
    """How the pods of a Job are scheduled together."""

    schedulingPolicy: Annotated[
        WorkloadPodGroupSchedulingPolicy | None, F(1, "One by one, or together.")
    ] = None
    schedulingConstraints: Annotated[
        WorkloadPodGroupSchedulingConstraints | None, F(2, "Where they may run.")
    ] = None
    disruptionMode: Annotated[
        WorkloadPodGroupDisruptionMode | None, F(3, "How they may be taken away.")
    ] = None
    resourceClaims: Annotated[
        list[WorkloadPodGroupResourceClaim],
        F(
            4,
            "Claims of devices that they share.",
            list_type="map",
            list_keys=("name",),
            patch="merge",
            merge_key="name",
        ),
    ] = []


class JobSpec(Struct):
    """What a Job is to do."""

    parallelism: Annotated[
        int | None, F(1, "How many pods may run at a time; 1 if unset.", format="int32")
    ] = None
    completions: Annotated[
        int | None, F(2, "How many pods must succeed; any one if unset.", format="int32")
    ] = None
    activeDeadlineSeconds: Annotated[
        int | None, F(3, "Seconds that the Job may be active.", format="int64")
    ] = None
    podFailurePolicy: Annotated[
        PodFailurePolicy | None, F(11, "What which failures of pods mean.")
    ] = None
    successPolicy: Annotated[
        SuccessPolicy | None, F(16, "When the Job has succeeded before all pods have.")
    ] = None
    backoffLimit: Annotated[
        int | None, F(7, "How often pods may fail; 6 if unset.", format="int32")
    ] = None
    backoffLimitPerIndex: Annotated[
        int | None, F(12, "How often the pods of one index may fail.", format="int32")
    ] = None
    maxFailedIndexes: Annotated[int | None, F(13, "How many indexes may fail.", format="int32")] = (
        None
    )
    selector: Annotated[
        LabelSelector | None, F(4, "The pods, by label; made by the server unless manual.")
    ] = None
    manualSelector: Annotated[
        bool | None, F(5, "Whether the client chooses labels and selector.")
    ] = None
    template: Annotated[PodTemplateSpec, F(6, "The pods to make.", required=True)] = msgspec.field(
        default_factory=PodTemplateSpec
    )
    ttlSecondsAfterFinished: Annotated[
        int | None, F(8, "Seconds after its end when the Job may be deleted.", format="int32")
    ] = None
    completionMode: Annotated[
        str | None,
        F(
            9,
            "Whether pods are alike, or each has an index that must be completed.",
            enum=("Indexed", "NonIndexed"),
        ),
    ] = None
    suspend: Annotated[bool | None, F(10, "Whether no pods are to run for now.")] = None
    podReplacementPolicy: Annotated[
        str | None,
        F(
            14,
            "Whether a pod is replaced once it ends or only once it has failed.",
            enum=("Failed", "TerminatingOrFailed"),
        ),
    ] = None
    managedBy: Annotated[str | None, F(15, "The controller of the Job, if not the usual.")] = None
    scheduling: Annotated[
        JobSchedulingConfiguration | None, F(17, "How pods are scheduled together.")
    ] = None


class JobCondition(Struct):
    """One aspect of a Job's state."""

    type: Annotated[str, F(1, "Complete, Failed, Suspended and so on.", required=True)] = always(
        str
    )
    status: Annotated[str, F(2, "True, False or Unknown.", required=True)] = always(str)
    lastProbeTime: Annotated[
        str, F(3, "When the condition was last looked at.", format="date-time", by_value=True)
    ] = ""
    lastTransitionTime: Annotated[
        str, F(4, "When the status last changed.", format="date-time", by_value=True)
    ] = ""
    reason: Annotated[str, F(5, "Why it last changed, for programs.")] = ""
    message: Annotated[str, F(6, "The same for people.")] = ""


class UncountedTerminatedPods(Struct):
    """Pods that have ended and are in no count yet."""

    succeeded: Annotated[list[str], F(1, "UIDs of those that succeeded.", list_type="set")] = []
    failed: Annotated[list[str], F(2, "UIDs of those that failed.", list_type="set")] = []


class JobStatus(Struct):
    """How far a Job has come."""

    conditions: Annotated[
        list[JobCondition],
        F(
            1,
            "Aspects of the present state.",
            list_type="atomic",
            patch="merge",
            merge_key="type",
        ),
    ] = []
    startTime: Annotated[str, F(2, "When it began.", format="date-time")] = ""
    completionTime: Annotated[str, F(3, "When it succeeded.", format="date-time")] = ""
    active: Annotated[int, F(4, "Pods that have not ended.", format="int32")] = 0
    succeeded: Annotated[int, F(5, "Pods that succeeded.", format="int32")] = 0
    failed: Annotated[int, F(6, "Pods that failed.", format="int32")] = 0
    terminating: Annotated[int | None, F(11, "Pods that are ending.", format="int32")] = None
    completedIndexes: Annotated[str, F(7, "Indexes that succeeded, such as `1,3-5`.")] = ""
    failedIndexes: Annotated[str | None, F(10, "Indexes that failed, in the same form.")] = None
    uncountedTerminatedPods: Annotated[
        UncountedTerminatedPods | None, F(8, "Pods that have ended and are in no count yet.")
    ] = None
    ready: Annotated[int | None, F(9, "Active pods that are ready.", format="int32")] = None


class Job(Object):
    """Pods that run until so many of them have succeeded.

    Stored and validated; no controller of ours makes its pods.
    """

    spec: Annotated[JobSpec, F(2, "What is to be done.")] = msgspec.field(default_factory=JobSpec)
    status: Annotated[JobStatus, F(3, "How far it has come.")] = msgspec.field(
        default_factory=JobStatus
    )


class JobTemplateSpec(Struct):
    """Jobs as they are to be made."""

    metadata: Annotated[ObjectMeta, F(1, "Labels and annotations of the Jobs.")] = msgspec.field(
        default_factory=ObjectMeta
    )
    spec: Annotated[JobSpec, F(2, "What the Jobs are to do.")] = msgspec.field(
        default_factory=JobSpec
    )
