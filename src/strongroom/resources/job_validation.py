"""The rules of Jobs and of the Jobs that CronJobs make (``pkg/apis/batch/validation`` upstream)."""

from __future__ import annotations

from typing import Any

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.gotext import quote
from strongroom.api.validation import (
    Path,
    dns_label,
    immutable_field,
    invalid_value,
    not_supported,
    required,
    too_long,
)
from strongroom.resources.job_object import Job, JobCondition, JobSpec, JobTemplateSpec
from strongroom.resources.job_policies import failure_policy_errors, success_policy_errors
from strongroom.resources.label_selection import selection
from strongroom.resources.pod_scheduling import Affinity
from strongroom.resources.pod_scheduling_validation import label_selector_errors
from strongroom.resources.pod_template_spec import (
    PodTemplateSpec,
    selected_errors,
    template_errors,
)
from strongroom.resources.workload import numbers

UID_LABELS = ("controller-uid", "batch.kubernetes.io/controller-uid")
NAME_LABELS = ("job-name", "batch.kubernetes.io/job-name")
"""Labels of a Job's pods; the names without a prefix are the older ones."""

_SPEC = Path("spec")
_METADATA = _SPEC / "template" / "metadata"
_NUMBERS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
_MODES = ("NonIndexed", "Indexed")
_REPLACEMENT = ("Failed", "TerminatingOrFailed")
_FIXED = (
    "completionMode",
    "podFailurePolicy",
    "backoffLimitPerIndex",
    "managedBy",
    "successPolicy",
)
_MOST_INDEXES = 100_000
_MOST_OF_MANY = 10_000
_MANAGER_LENGTH = 63


def validate_job(job: Job) -> list[FieldError]:
    """All findings on a new Job."""
    spec = job.spec
    errors = _generated_errors(job) + _spec_errors(spec)
    if spec.completionMode == "Indexed" and (spec.completions or 0) > 0:
        host = f"{job.metadata.name}-{(spec.completions or 0) - 1}"
        if dns_label(host):
            why = f"will not able to create pod with invalid DNS label: {host}"
            errors.append(invalid_value(Path("metadata") / "name", job.metadata.name, why))
    return errors


def validate_job_update(new: Job, old: Job) -> list[FieldError]:
    """All findings on a change of a Job."""
    errors = _spec_errors(new.spec) + _completions_errors(new.spec, old.spec)
    errors += immutable_field(new.spec.selector, old.spec.selector, _SPEC / "selector")
    before = old.spec.template
    if old.spec.suspend and not old.status.startTime:
        before = _schedulable(new.spec.template, before)
    errors += immutable_field(new.spec.template, before, _SPEC / "template")
    for name in _FIXED:
        errors += immutable_field(getattr(new.spec, name), getattr(old.spec, name), _SPEC / name)
    return errors


def job_template_errors(template: JobTemplateSpec, path: Path) -> list[FieldError]:
    """All findings on the Jobs that a CronJob makes, whose selectors the server will make."""
    spec, where = template.spec, path / "spec"
    errors = job_spec_errors(spec, where)
    if spec.selector is not None:
        why = "`selector` will be auto-generated"
        errors.append(invalid_value(where / "selector", spec.selector, why))
    if spec.manualSelector:
        errors.append(not_supported(where / "manualSelector", True, ("nil", "false")))
    return errors


def _generated_errors(job: Job) -> list[FieldError]:
    """The server's labels must be on the pods, and its selector must select by them."""
    spec, meta = job.spec, job.metadata
    if spec.manualSelector or spec.selector is None:
        return []
    expected = dict.fromkeys(UID_LABELS, meta.uid) | dict.fromkeys(NAME_LABELS, meta.name)
    errors: list[FieldError] = []
    for pair in zip(UID_LABELS, NAME_LABELS, strict=True):
        for key in pair:
            errors += _has_label(spec.template, key, expected[key])
    selected = selection(spec.selector)
    if selected is not None and not selected.matches(expected):
        why = "`selector` not auto-generated"
        errors.append(invalid_value(_SPEC / "selector", spec.selector, why))
    return errors


def _has_label(template: PodTemplateSpec, key: str, value: str) -> list[FieldError]:
    labels, where = template.metadata.labels, _METADATA / "labels"
    if key not in labels:
        return [required(where.key(key), f"must be '{value}'")]
    if labels[key] != value:
        return [invalid_value(where.key(key), labels, f"must be '{value}'")]
    return []


def _spec_errors(spec: JobSpec) -> list[FieldError]:
    errors = job_spec_errors(spec, _SPEC)
    if spec.selector is None:
        errors.append(required(_SPEC / "selector"))
    else:
        errors += label_selector_errors(spec.selector, _SPEC / "selector")
    return errors + selected_errors(spec.selector, spec.template, _SPEC / "template")


def job_spec_errors(spec: JobSpec, path: Path) -> list[FieldError]:
    """What holds of a Job's spec wherever it stands."""
    errors = numbers(spec, _NUMBERS, path)
    if spec.maxFailedIndexes is not None and spec.backoffLimitPerIndex is None:
        why = "when maxFailedIndexes is specified"
        errors.append(required(path / "backoffLimitPerIndex", why))
    if spec.managedBy is not None:
        errors += _manager_errors(spec.managedBy, path / "managedBy")
    if spec.completionMode is not None and spec.completionMode not in _MODES:
        errors.append(not_supported(path / "completionMode", spec.completionMode, _MODES))
    errors += _mode_errors(spec, path)
    errors += _policy_errors(spec, path)
    errors += template_errors(spec.template, path / "template")
    return errors + _restart_errors(spec, path / "template" / "spec" / "restartPolicy")


def _manager_errors(manager: str, path: Path) -> list[FieldError]:
    errors = []
    domain, slash, rest = manager.partition("/")
    if not (domain and slash and rest):
        why = 'must be a domain-prefixed path (such as "acme.io/foo")'
        errors.append(invalid_value(path, manager, why))
    if len(manager) > _MANAGER_LENGTH:
        errors.append(too_long(path, _MANAGER_LENGTH))
    return errors


def _mode_errors(spec: JobSpec, path: Path) -> list[FieldError]:
    """What may be said of indexes, and how many there may be."""
    per_index, failed = spec.backoffLimitPerIndex, spec.maxFailedIndexes
    if spec.completionMode in (None, "NonIndexed"):
        return [
            invalid_value(path / name, value, "requires indexed completion mode")
            for name, value in (("backoffLimitPerIndex", per_index), ("maxFailedIndexes", failed))
            if value is not None
        ]
    if spec.completionMode != "Indexed":
        return []
    completions, parallelism = spec.completions, spec.parallelism or 0
    errors: list[FieldError] = []
    if completions is None:
        errors.append(required(path / "completions", "when completion mode is Indexed"))
    mode = f"must be less than or equal to {_MOST_INDEXES}"
    if parallelism > _MOST_INDEXES:
        why = f"{mode} when completion mode is Indexed"
        errors.append(invalid_value(path / "parallelism", parallelism, why))
    if failed is not None and completions is not None and failed > completions:
        why = "must be less than or equal to completions"
        errors.append(invalid_value(path / "maxFailedIndexes", failed, why))
    if failed is not None and failed > _MOST_INDEXES:
        errors.append(invalid_value(path / "maxFailedIndexes", failed, mode))
    if (completions or 0) > _MOST_INDEXES and per_index is not None:
        errors += _many_errors(parallelism, failed, path)
    return errors


def _many_errors(parallelism: int, failed: int | None, path: Path) -> list[FieldError]:
    errors = []
    if failed is None:
        why = f"must be specified when completions is above {_MOST_INDEXES}"
        errors.append(required(path / "maxFailedIndexes", why))
    why = (
        f"must be less than or equal to {_MOST_OF_MANY} when completions are above "
        f"{_MOST_INDEXES} and used with backoff limit per index"
    )
    for name, value in (("parallelism", parallelism), ("maxFailedIndexes", failed or 0)):
        if value > _MOST_OF_MANY:
            errors.append(invalid_value(path / name, value, why))
    return errors


def _policy_errors(spec: JobSpec, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    failure, success = spec.podFailurePolicy, spec.successPolicy
    pods = spec.template.spec
    if failure:
        names = frozenset(c.name for c in (*pods.containers, *pods.initContainers))
        per_index = spec.backoffLimitPerIndex is not None
        where = path / "podFailurePolicy"
        errors += failure_policy_errors(failure, names, where, per_index=per_index)
    if success and spec.completionMode != "Indexed":
        why = "requires indexed completion mode"
        errors.append(invalid_value(path / "successPolicy", success, why))
    elif success:
        errors += success_policy_errors(success, spec.completions or 0, path / "successPolicy")
    replacement = spec.podReplacementPolicy
    supported = ("Failed",) if failure else _REPLACEMENT
    if replacement is not None and replacement not in supported:
        errors.append(not_supported(path / "podReplacementPolicy", replacement, supported))
    return errors


def _restart_errors(spec: JobSpec, path: Path) -> list[FieldError]:
    policy = spec.template.spec.restartPolicy
    if policy in ("", "Always"):
        return [required(path, 'valid values: "OnFailure", "Never"')]
    if policy not in ("OnFailure", "Never"):
        return [not_supported(path, policy, ("OnFailure", "Never"))]
    if spec.podFailurePolicy and policy != "Never":
        why = f"only {quote('Never')} is supported when podFailurePolicy is specified"
        return [invalid_value(path, policy, why)]
    return []


def _completions_errors(new: JobSpec, old: JobSpec) -> list[FieldError]:
    where = _SPEC / "completions"
    if new.completionMode != "Indexed":
        return immutable_field(new.completions, old.completions, where)
    if new.completions in (old.completions, None) or new.completions == new.parallelism:
        return []
    why = "can only be modified in tandem with spec.parallelism"
    return [invalid_value(where, new.completions, why)]


def _schedulable(new: PodTemplateSpec, old: PodTemplateSpec) -> PodTemplateSpec:
    """The old template with what may change of a Job that has not begun: where its pods run."""
    wanted = new.spec.affinity.nodeAffinity if new.spec.affinity else None
    affinity = old.spec.affinity
    if affinity or new.spec.affinity:
        affinity = msgspec.structs.replace(affinity or Affinity(), nodeAffinity=wanted)
        if affinity == Affinity() and new.spec.affinity is None:
            affinity = None
    spec = msgspec.structs.replace(
        old.spec,
        affinity=affinity,
        nodeSelector=new.spec.nodeSelector,
        tolerations=new.spec.tolerations,
        schedulingGates=new.spec.schedulingGates,
    )
    meta = msgspec.structs.replace(
        old.metadata, annotations=new.metadata.annotations, labels=new.metadata.labels
    )
    return msgspec.structs.replace(old, metadata=meta, spec=spec)


def validate_job_status(new: Job, old: Job) -> list[FieldError]:
    """All findings on how far a Job is said to have come."""
    status, path = new.status, Path("status")
    errors = numbers(status, ("active", "succeeded", "failed", "ready", "terminating"), path)
    complete, failed = has(new, "Complete"), has(new, "Failed")
    if complete and failed:
        errors.append(_conditions("cannot set Complete=True and Failed=true conditions"))
    if complete and has(new, "FailureTarget"):
        errors.append(_conditions("cannot set Complete=True and FailureTarget=true conditions"))
    when = path / "completionTime"
    if status.completionTime and not complete:
        why = "cannot set completionTime when there is no Complete=True condition"
        errors.append(invalid_value(when, status.completionTime, why))
    if complete and not status.completionTime:
        errors.append(required(when, "completionTime is required for Complete jobs"))
    if failed and not has(new, "FailureTarget"):
        why = "cannot set Failed=True condition without the FailureTarget=true condition"
        errors.append(_conditions(why))
    if complete and not has(new, "SuccessCriteriaMet"):
        why = "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"
        errors.append(_conditions(why))
    if complete or failed:
        errors += _finished_errors(status, path)
    return errors + _turned_back_errors(new, old)


def _finished_errors(status: Any, path: Path) -> list[FieldError]:
    errors = []
    if status.active > 0:
        why = "active>0 is invalid for finished job"
        errors.append(invalid_value(path / "active", status.active, why))
    if not status.startTime:
        errors.append(required(path / "startTime", "startTime is required for finished job"))
    if (status.terminating or 0) > 0:
        why = "terminating>0 is invalid for finished job"
        errors.append(invalid_value(path / "terminating", status.terminating, why))
    return errors


def _turned_back_errors(new: Job, old: Job) -> list[FieldError]:
    """What has been reached stays reached."""
    errors = [
        _conditions(f"cannot disable the terminal {name}=True condition")
        for name in ("Failed", "Complete", "FailureTarget")
        if has(old, name) and not has(new, name)
    ]
    for name in ("failed", "succeeded"):
        value = getattr(new.status, name)
        if value < getattr(old.status, name):
            why = f"cannot decrease the {name} counter"
            errors.append(invalid_value(Path("status") / name, value, why))
    return errors


def _conditions(what: str) -> FieldError:
    # Upstream prints no value here.
    return FieldError("FieldValueInvalid", "status.conditions", f"Invalid value: {what}")


def has(job: Job, name: str) -> bool:
    """Whether the Job has this condition, with status True."""
    return any(_true(c, name) for c in job.status.conditions)


def _true(condition: JobCondition, name: str) -> bool:
    return condition.type == name and condition.status == "True"
