"""CronJob: Jobs at set times (stored, driven by no controller of ours)."""

from __future__ import annotations

import re
import zoneinfo
from datetime import datetime
from typing import Annotated, Any

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.api.table import human_age
from strongroom.api.validation import Path, invalid_value, not_supported, required
from strongroom.resources.columns import AGE, NAME, NONE
from strongroom.resources.cron_schedule import check_schedule
from strongroom.resources.job import default_job_spec
from strongroom.resources.job_object import JobTemplateSpec
from strongroom.resources.job_validation import job_template_errors
from strongroom.resources.object_reference import ObjectReference
from strongroom.resources.resource import Column, Resource, Subresource
from strongroom.resources.workload import (
    container_columns,
    keep_spec,
    keep_status,
    numbers,
    selector_column,
    workload_warnings,
)

API_PACKAGE = "io.k8s.api.batch.v1"

_SPEC = Path("spec")
_POLICIES = ("Allow", "Forbid", "Replace")
_NAME_LENGTH = 52
"""A Job's name has 63 characters, of which eleven tell the time."""
_ZONE_PART = re.compile(r"(?!-)[A-Za-z._0-9+-]{1,14}", re.ASCII)


class CronJobSpec(Struct):
    """When Jobs are made, and which."""

    schedule: Annotated[
        str, F(1, "When, in the form of cron or as `@hourly` and the like.", required=True)
    ] = always(str)
    timeZone: Annotated[
        str | None, F(8, "Time zone of the schedule; that of the controller if unset.")
    ] = None
    startingDeadlineSeconds: Annotated[
        int | None, F(2, "Seconds that a Job may be late; none is made later.", format="int64")
    ] = None
    concurrencyPolicy: Annotated[
        str,
        F(3, "What is done when the last Job still runs; Allow if unset.", enum=_POLICIES),
    ] = ""
    suspend: Annotated[bool | None, F(4, "Whether no Jobs are made for now.")] = None
    jobTemplate: Annotated[JobTemplateSpec, F(5, "The Jobs to make.", required=True)] = (
        msgspec.field(default_factory=JobTemplateSpec)
    )
    successfulJobsHistoryLimit: Annotated[
        int | None, F(6, "How many Jobs that succeeded are kept; 3 if unset.", format="int32")
    ] = None
    failedJobsHistoryLimit: Annotated[
        int | None, F(7, "How many Jobs that failed are kept; 1 if unset.", format="int32")
    ] = None


class CronJobStatus(Struct):
    """What was last seen of a CronJob's Jobs."""

    active: Annotated[list[ObjectReference], F(1, "Jobs that run.", list_type="atomic")] = []
    lastScheduleTime: Annotated[str, F(4, "When a Job was last made.", format="date-time")] = ""
    lastSuccessfulTime: Annotated[str, F(5, "When a Job last succeeded.", format="date-time")] = ""


class CronJob(Object):
    """Jobs that are made again and again, at set times.

    Stored and validated; no controller of ours makes its Jobs.
    """

    spec: Annotated[CronJobSpec, F(2, "When and what.", required=True)] = msgspec.field(
        default_factory=CronJobSpec
    )
    status: Annotated[CronJobStatus, F(3, "What is there.")] = msgspec.field(
        default_factory=CronJobStatus
    )


class CronJobResource(Resource[CronJob]):
    """The behaviour of CronJobs."""

    def default(self, obj: CronJob) -> None:
        spec = obj.spec
        default_job_spec(spec.jobTemplate.spec)
        spec.concurrencyPolicy = spec.concurrencyPolicy or "Allow"
        if spec.suspend is None:
            spec.suspend = False
        if spec.successfulJobsHistoryLimit is None:
            spec.successfulJobsHistoryLimit = 3
        if spec.failedJobsHistoryLimit is None:
            spec.failedJobsHistoryLimit = 1

    def prepare_for_create(self, obj: CronJob, now: datetime) -> None:
        obj.status = CronJobStatus()
        obj.metadata.generation = 1

    def prepare_for_update(self, new: CronJob, old: CronJob, now: datetime) -> None:
        keep_status(new, old)

    def validate(self, obj: CronJob) -> list[FieldError]:
        errors = _spec_errors(obj.spec, None)
        if len(obj.metadata.name) > _NAME_LENGTH:
            why = f"must be no more than {_NAME_LENGTH} characters"
            errors.append(invalid_value(Path("metadata") / "name", obj.metadata.name, why))
        return errors

    def validate_update(self, new: CronJob, old: CronJob) -> list[FieldError]:
        return _spec_errors(new.spec, old.spec)

    def warnings(self, new: CronJob, old: CronJob | None) -> list[str]:
        template = new.spec.jobTemplate.spec.template
        path = _SPEC / "jobTemplate" / "spec" / "template"
        found = workload_warnings(new, old, template, path)
        if "TZ" in new.spec.schedule:
            found.append(
                "cannot use TZ or CRON_TZ in spec.schedule, use timeZone instead, see "
                "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more "
                "details"
            )
        return found


def _spec_errors(spec: CronJobSpec, old: CronJobSpec | None) -> list[FieldError]:
    errors = _schedule_errors(spec, old)
    errors += numbers(spec, ("startingDeadlineSeconds",), _SPEC)
    if spec.timeZone is not None and (old is None or spec.timeZone != old.timeZone):
        errors += _zone_errors(spec.timeZone, _SPEC / "timeZone")
    where = _SPEC / "concurrencyPolicy"
    if not spec.concurrencyPolicy:
        errors.append(required(where))
    elif spec.concurrencyPolicy not in _POLICIES:
        errors.append(not_supported(where, spec.concurrencyPolicy, _POLICIES))
    errors += job_template_errors(spec.jobTemplate, _SPEC / "jobTemplate")
    limits = ("successfulJobsHistoryLimit", "failedJobsHistoryLimit")
    return errors + numbers(spec, limits, _SPEC)


def _schedule_errors(spec: CronJobSpec, old: CronJobSpec | None) -> list[FieldError]:
    text, where = spec.schedule, _SPEC / "schedule"
    if not text:
        return [required(where)]
    errors = []
    try:
        check_schedule(text)
    except ValueError as error:
        errors.append(invalid_value(where, text, str(error)))
    if "TZ" not in text:
        return errors
    if old is None or "TZ" not in old.schedule:
        why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        errors.append(invalid_value(where, text, why))
    elif spec.timeZone is not None:
        why = "cannot use both timeZone field and TZ or CRON_TZ in schedule"
        errors.append(invalid_value(where, text, why))
    return errors


def _zone_errors(zone: str, path: Path) -> list[FieldError]:
    if not zone:
        return [invalid_value(path, zone, "timeZone must be nil or non-empty string")]
    unknown = invalid_value(path, zone, f"unknown time zone {zone}")
    for part in zone.split("/"):
        if part in (".", "..") or not _ZONE_PART.fullmatch(part):
            return [unknown]
    if zone.lower() == "local":
        why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        return [invalid_value(path, zone, why)]
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return [unknown]
    return []


def _last(obj: CronJob, now: datetime) -> str:
    moment = obj.status.lastScheduleTime
    return human_age(moment, now) if moment else NONE


def _suspended(obj: CronJob, now: datetime) -> Any:
    return "<unset>" if obj.spec.suspend is None else str(obj.spec.suspend)


CRON_JOBS = CronJobResource(
    group="batch",
    version="v1",
    kind="CronJob",
    plural="cronjobs",
    singular="cronjob",
    short_names=("cj",),
    categories=("all",),
    type=CronJob,
    namespaced=True,
    columns=(
        NAME,
        Column("Schedule", lambda c, now: c.spec.schedule, description="When Jobs are made."),
        Column(
            "Timezone", lambda c, now: c.spec.timeZone or NONE, description="In which time zone."
        ),
        Column("Suspend", _suspended, description="Whether none are made for now."),
        Column(
            "Active",
            lambda c, now: len(c.status.active),
            type="integer",
            description="Jobs that run.",
        ),
        Column("Last Schedule", _last, description="Time since a Job was last made."),
        AGE,
        *container_columns(lambda c: c.spec.jobTemplate.spec.template),
        selector_column(lambda c: c.spec.jobTemplate.spec.selector),
    ),
    subresources=(Subresource("status", keep_spec),),
)
