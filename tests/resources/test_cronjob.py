"""CronJobs: schedules, time zones, and the Jobs that they describe."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.cronjob import CRON_JOBS, CronJob
from tests.resources.making import NOW, made, texts
from tests.resources.templates import template

_UNKNOWN = "spec.timeZone: Invalid value: {0}: unknown time zone {1}"


def cron(job: dict[str, Any] | None = None, **spec: Any) -> CronJob:
    template_of = {"spec": {"template": template(restartPolicy="Never")} | (job or {})}
    tree = {"schedule": "@hourly", "jobTemplate": template_of} | spec
    obj = made({"metadata": {"name": "c"}, "spec": tree}, CronJob)
    CRON_JOBS.default(obj)
    return obj


def test_defaults() -> None:
    spec = cron().spec
    assert (spec.concurrencyPolicy, spec.suspend) == ("Allow", False)
    assert (spec.successfulJobsHistoryLimit, spec.failedJobsHistoryLimit) == (3, 1)
    assert spec.jobTemplate.spec.template.spec.dnsPolicy == "ClusterFirst"
    # What Jobs default is left to the Jobs.
    assert spec.jobTemplate.spec.backoffLimit is None
    assert CRON_JOBS.validate(cron(timeZone="Europe/Berlin")) == []


@pytest.mark.parametrize(
    ("spec", "finding"),
    [
        ({"schedule": ""}, "spec.schedule: Required value"),
        (
            {"schedule": "@never"},
            'spec.schedule: Invalid value: "@never": unrecognized descriptor: @never',
        ),
        (
            {"schedule": "TZ=UTC @hourly"},
            (
                'spec.schedule: Invalid value: "TZ=UTC @hourly": cannot use TZ or CRON_TZ in '
                "schedule, use timeZone field instead"
            ),
        ),
        (
            {"timeZone": ""},
            'spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string',
        ),
        ({"timeZone": "Mars/Base"}, _UNKNOWN.format('"Mars/Base"', "Mars/Base")),
        ({"timeZone": "../etc"}, _UNKNOWN.format('"../etc"', "../etc")),
        (
            {"timeZone": "Local"},
            (
                'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as '
                "defined in https://www.iana.org/time-zones"
            ),
        ),
        (
            {"concurrencyPolicy": "Wait"},
            (
                'spec.concurrencyPolicy: Unsupported value: "Wait": supported values: "Allow", '
                '"Forbid", "Replace"'
            ),
        ),
        (
            {"job": {"selector": {}}},
            "spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated",
        ),
    ],
)
def test_rules(spec: dict[str, Any], finding: str) -> None:
    assert texts(CRON_JOBS.validate(cron(**spec))) == [finding]


def test_a_job_s_name_must_still_fit() -> None:
    obj = cron()
    obj.metadata.name = "c" * 53
    (found,) = texts(CRON_JOBS.validate(obj))
    assert found.endswith("must be no more than 52 characters")
    assert CRON_JOBS.validate_update(obj, obj) == []


def test_an_old_schedule_may_keep_its_time_zone() -> None:
    old = cron(schedule="TZ=UTC @hourly")
    assert CRON_JOBS.validate_update(old, old) == []
    (warning,) = CRON_JOBS.warnings(old, old)
    assert warning.startswith("cannot use TZ or CRON_TZ in spec.schedule")
    (found,) = texts(CRON_JOBS.validate_update(cron(schedule="TZ=UTC @daily", timeZone="UTC"), old))
    assert found.endswith("cannot use both timeZone field and TZ or CRON_TZ in schedule")


def test_columns() -> None:
    assert CRON_JOBS.columns_of(cron(), NOW)[:6] == [
        "c", "@hourly", "<none>", "False", 0, "<none>",
    ]  # fmt: skip
