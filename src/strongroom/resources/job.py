"""Job: pods that run until enough have succeeded (stored, driven by no controller of ours)."""

from __future__ import annotations

from datetime import datetime

from strongroom.api.errors import FieldError
from strongroom.api.meta import DeleteOptions, LabelSelector
from strongroom.api.table import human_duration
from strongroom.api.times import parse_time
from strongroom.api.validation import Path
from strongroom.resources.columns import AGE, NAME
from strongroom.resources.job_object import Job, JobSpec, JobStatus
from strongroom.resources.job_validation import (
    NAME_LABELS,
    UID_LABELS,
    has,
    validate_job,
    validate_job_status,
    validate_job_update,
)
from strongroom.resources.pod_template_spec import default_template
from strongroom.resources.resource import Column, Resource, Subresource
from strongroom.resources.workload import (
    container_columns,
    keep_spec,
    keep_status,
    selector_column,
    workload_warnings,
)

_PRESERVED = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background "
    "to remove them or set propagationPolicy=Orphan to suppress this warning"
)
_MAX_INT32 = 2**31 - 1
_STATUSES = (
    ("Complete", "Complete"),
    ("Failed", "Failed"),
    ("", "Terminating"),
    ("Suspended", "Suspended"),
    ("FailureTarget", "FailureTarget"),
    ("SuccessCriteriaMet", "SuccessCriteriaMet"),
)


class JobResource(Resource[Job]):
    """The behaviour of Jobs."""

    def default(self, obj: Job) -> None:
        spec = obj.spec
        default_job_spec(spec)
        if spec.completions is None and spec.parallelism is None:
            spec.completions = 1
        if spec.parallelism is None:
            spec.parallelism = 1
        if spec.backoffLimit is None:
            spec.backoffLimit = 6 if spec.backoffLimitPerIndex is None else _MAX_INT32
        if spec.completionMode is None:
            spec.completionMode = "NonIndexed"
        if spec.suspend is None:
            spec.suspend = False
        if spec.podReplacementPolicy is None:
            failing = spec.podFailurePolicy is not None
            spec.podReplacementPolicy = "Failed" if failing else "TerminatingOrFailed"
        if spec.manualSelector is None:
            spec.manualSelector = False
        obj.metadata.labels = obj.metadata.labels or dict(spec.template.metadata.labels)

    def prepare_for_create(self, obj: Job, now: datetime) -> None:
        _generate_selector(obj)
        obj.metadata.labels = obj.metadata.labels or dict(obj.spec.template.metadata.labels)
        obj.status = JobStatus()
        obj.metadata.generation = 1

    def prepare_for_update(self, new: Job, old: Job, now: datetime) -> None:
        keep_status(new, old)

    def validate(self, obj: Job) -> list[FieldError]:
        return validate_job(obj)

    def validate_update(self, new: Job, old: Job) -> list[FieldError]:
        return validate_job_update(new, old)

    def warnings(self, new: Job, old: Job | None) -> list[str]:
        return workload_warnings(new, old, new.spec.template, Path("spec") / "template")

    def deletion_warnings(self, options: DeleteOptions) -> list[str]:
        unsaid = options.propagationPolicy is None and options.orphanDependents is None
        return [_PRESERVED] if unsaid else []


def default_job_spec(spec: JobSpec) -> None:
    """Fill in what has a default wherever a Job is described, be it in a CronJob's template."""
    default_template(spec.template)
    for rule in spec.podFailurePolicy.rules if spec.podFailurePolicy else ():
        for pattern in rule.onPodConditions:
            pattern.status = pattern.status or "True"


def _generate_selector(job: Job) -> None:
    """Label the pods as this Job's own, and select them by that, unless the client does."""
    spec, meta = job.spec, job.metadata
    if spec.manualSelector:
        return
    labels = spec.template.metadata.labels
    for keys, value in ((NAME_LABELS, meta.name), (UID_LABELS, meta.uid)):
        for key in keys:
            # Another value that the client gave is refused later.
            labels.setdefault(key, value)
    spec.selector = spec.selector or LabelSelector()
    spec.selector.matchLabels.setdefault(UID_LABELS[1], meta.uid)


def _status(job: Job, now: datetime) -> str:
    for condition, word in _STATUSES:
        if has(job, condition) if condition else job.metadata.deletionTimestamp:
            return word
    return "Running"


def _completions(job: Job, now: datetime) -> str:
    spec, succeeded = job.spec, job.status.succeeded
    if spec.completions is not None:
        return f"{succeeded}/{spec.completions}"
    parallelism = spec.parallelism or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(job: Job, now: datetime) -> str:
    status = job.status
    if not status.startTime:
        return ""
    end = parse_time(status.completionTime) if status.completionTime else now
    return human_duration((end - parse_time(status.startTime)).total_seconds())


JOBS = JobResource(
    group="batch",
    version="v1",
    kind="Job",
    plural="jobs",
    singular="job",
    categories=("all",),
    type=Job,
    namespaced=True,
    adds_unowned=True,
    dependents="orphan",
    columns=(
        NAME,
        Column("Status", _status, description="How far the Job has come, in a word."),
        Column("Completions", _completions, description="Pods that succeeded, of those wanted."),
        Column("Duration", _duration, description="How long it has taken."),
        AGE,
        *container_columns(lambda job: job.spec.template),
        selector_column(lambda job: job.spec.selector),
    ),
    subresources=(Subresource("status", keep_spec, validate_job_status),),
    field_selectors={"status.successful": lambda job: str(job.status.succeeded)},
)
