"""Jobs: generated selectors, rules, what may change, how far they have come."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.job import JOBS
from strongroom.resources.job_object import Job
from strongroom.resources.job_policies import count_indexes
from tests.resources.making import NOW, made, texts
from tests.resources.templates import template

_INDEXED = {"completionMode": "Indexed", "completions": 5}
_RULE = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1, 2]}}
_POLICY = "spec.podFailurePolicy.rules[0]"


def job(**spec: Any) -> Job:
    tree = {"template": template(restartPolicy="Never")} | spec
    obj = made({"metadata": {"name": "j", "uid": "u1"}, "spec": tree}, Job)
    JOBS.default(obj)
    JOBS.prepare_for_create(obj, NOW)
    return obj


def failing(**rule: Any) -> dict[str, Any]:
    return {"podFailurePolicy": {"rules": [_RULE | rule]}}


def test_defaults() -> None:
    spec = job().spec
    assert (spec.completions, spec.parallelism, spec.backoffLimit) == (1, 1, 6)
    assert (spec.completionMode, spec.suspend, spec.manualSelector) == ("NonIndexed", False, False)
    assert spec.podReplacementPolicy == "TerminatingOrFailed"
    assert job(parallelism=3).spec.completions is None
    assert job(**_INDEXED, backoffLimitPerIndex=1).spec.backoffLimit == 2**31 - 1
    conditions = [{"type": "DisruptionTarget"}]
    policy = job(**failing(onExitCodes=None, onPodConditions=conditions)).spec.podFailurePolicy
    assert policy is not None
    assert policy.rules[0].onPodConditions[0].status == "True"


def test_pods_are_labelled_and_selected_as_the_job_s_own() -> None:
    obj = job()
    assert obj.spec.template.metadata.labels == {
        "app": "web", "job-name": "j", "controller-uid": "u1",
        "batch.kubernetes.io/job-name": "j", "batch.kubernetes.io/controller-uid": "u1",
    }  # fmt: skip
    assert obj.spec.selector is not None
    assert obj.spec.selector.matchLabels == {"batch.kubernetes.io/controller-uid": "u1"}
    assert JOBS.validate(obj) == []


def test_labels_of_another_job_are_refused() -> None:
    other = template(restartPolicy="Never")
    other["metadata"]["labels"]["job-name"] = "x"
    found = texts(JOBS.validate(job(template=other)))
    assert len(found) == 1
    assert found[0].startswith("spec.template.metadata.labels[job-name]: Invalid value: {")
    assert found[0].endswith("must be 'j'")


def test_a_manual_selector_is_left_alone() -> None:
    mine = job(manualSelector=True, selector={"matchLabels": {"app": "web"}})
    assert mine.spec.template.metadata.labels == {"app": "web"}
    assert JOBS.validate(mine) == []


@pytest.mark.parametrize(
    ("spec", "finding"),
    [
        (
            {"template": template()},
            'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
        ),
        (
            {"parallelism": -1},
            "spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            {"completionMode": "Indexed", "parallelism": 1},
            "spec.completions: Required value: when completion mode is Indexed",
        ),
        (
            {"backoffLimitPerIndex": 1},
            "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
        ),
        (
            {**_INDEXED, "maxFailedIndexes": 1},
            "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
        ),
        (
            {"podReplacementPolicy": "Never"},
            (
                'spec.podReplacementPolicy: Unsupported value: "Never": supported values: '
                '"Failed", '
                '"TerminatingOrFailed"'
            ),
        ),
        (
            failing(action="FailIndex"),
            (
                f'{_POLICY}.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex '
                "to "
                "be set"
            ),
        ),
        (
            failing(action=""),
            (
                f'{_POLICY}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" '
                '"Ignore"]'
            ),
        ),
        (
            failing(onExitCodes=None),
            (
                f"{_POLICY}: Invalid value: specifying one of OnExitCodes and OnPodConditions is "
                "required"
            ),
        ),
        (
            failing(onExitCodes={"operator": "In", "values": [0]}),
            f"{_POLICY}.onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator",
        ),
        (
            failing(onExitCodes={"operator": "NotIn", "values": [2, 1]}),
            f"{_POLICY}.onExitCodes.values: Invalid value: [2,1]: must be ordered",
        ),
        (
            {**_INDEXED, "successPolicy": {"rules": [{"succeededIndexes": "0-1,9"}]}},
            (
                'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0-1,9": error '
                "parsing "
                'succeededIndexes: too large index: "9"'
            ),
        ),
        (
            {**_INDEXED, "successPolicy": {"rules": [{"succeededCount": 6}]}},
            (
                "spec.successPolicy.rules[0].succeededCount: Invalid value: 6: must be less than "
                "or "
                "equal to 5 (the number of specified completions)"
            ),
        ),
    ],
)
def test_rules(spec: dict[str, Any], finding: str) -> None:
    assert texts(JOBS.validate(job(**spec))) == [finding]


def test_what_may_change() -> None:
    old = job()
    assert JOBS.validate_update(job(parallelism=4, completions=1, suspend=True), old) == []
    moved = template(restartPolicy="Never", nodeSelector={"disk": "ssd"})
    fields = [error.field for error in JOBS.validate_update(job(template=moved), old)]
    assert fields == ["spec.template"]
    assert JOBS.validate_update(job(template=moved), job(suspend=True)) == []
    changed = JOBS.validate_update(job(completions=2, parallelism=1), old)
    assert texts(changed) == ["spec.completions: Invalid value: 2: field is immutable"]
    indexed = job(**_INDEXED, parallelism=5)
    assert JOBS.validate_update(job(**_INDEXED | {"completions": 7}, parallelism=7), indexed) == []
    (found,) = texts(
        JOBS.validate_update(job(**_INDEXED | {"completions": 7}, parallelism=1), indexed)
    )
    assert found.endswith("can only be modified in tandem with spec.parallelism")


@pytest.mark.parametrize(("text", "count"), [("", 0), ("0", 1), ("0,2-4", 4), ("1-3", 3)])
def test_indexes_are_counted(text: str, count: int) -> None:
    assert count_indexes(text, 5) == count


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a", 'cannot convert string to integer for index: "a"'),
        ("3,1", "non-increasing order, previous: 3, current: 1"),
        ("3-3", "non-increasing order, previous: 3, current: 3"),
        ("9", 'too large index: "9"'),
    ],
)
def test_indexes_that_make_no_sense(text: str, why: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the text is compared below
        count_indexes(text, 5)
    assert str(refused.value) == why


def test_the_end_of_a_job() -> None:
    part = JOBS.subresource("status")
    assert part is not None
    old, new = job(), job()
    done = {"type": "Complete", "status": "True"}
    new.status = made({"conditions": [done], "active": 1}, type(new.status))
    assert [error.field for error in part.validate(new, old)] == [
        "status.completionTime", "status.conditions", "status.active", "status.startTime",
    ]  # fmt: skip
    met = {"type": "SuccessCriteriaMet", "status": "True"}
    tree = {
        "conditions": [met, done],
        "startTime": "2026-01-02T03:04:05Z",
        "completionTime": "2026-01-02T03:05:05Z",
        "succeeded": 1,
    }
    new.status = made(tree, type(new.status))
    assert part.validate(new, old) == []
    assert JOBS.columns_of(new, NOW)[:4] == ["j", "Complete", "1/1", "60s"]
    assert JOBS.field_selectors["status.successful"](new) == "1"
    assert texts(part.validate(old, new)) == [
        "status.conditions: Invalid value: cannot disable the terminal Complete=True condition",
        ("status.succeeded: Invalid value: 0: cannot decrease the succeeded counter"),
    ]
