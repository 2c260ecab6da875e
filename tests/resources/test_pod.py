"""Pods: creation, status, deletion with grace, selectors."""

from __future__ import annotations

from datetime import timedelta

from strongroom.api.meta import DeleteOptions
from strongroom.api.times import format_time
from strongroom.resources.pod import PODS, Pod
from tests.resources.making import NOW, made, pod, running_pod, texts


def _after(seconds: int) -> str:
    return format_time(NOW + timedelta(seconds=seconds))


def test_a_new_pod_is_pending_whatever_its_writer_says() -> None:
    obj = pod()
    obj.status.phase, obj.status.podIP = "Running", "10.0.0.1"
    PODS.prepare_for_create(obj, NOW)
    assert (obj.status.phase, obj.status.podIP) == ("Pending", "")
    assert obj.status.qosClass == "BestEffort"
    assert obj.metadata.generation == 1


def test_a_gated_pod_says_that_it_is_not_scheduled() -> None:
    obj = pod(schedulingGates=[{"name": "a.b/c"}])
    PODS.prepare_for_create(obj, NOW)
    assert [(c.type, c.status, c.reason) for c in obj.status.conditions] == [
        ("PodScheduled", "False", "SchedulingGated")
    ]
    assert PODS.columns_of(obj, NOW)[2] == "SchedulingGated"


def test_the_generation_counts_changes_of_the_spec() -> None:
    old, new = running_pod(), running_pod()
    PODS.prepare_for_update(new, old, NOW)
    assert new.metadata.generation == 1
    new.spec.containers[0].image = "busybox:1.38"
    PODS.prepare_for_update(new, old, NOW)
    assert new.metadata.generation == 2


def _delete(obj: Pod, grace: int | None = None) -> bool:
    return PODS.begin_deletion(obj, DeleteOptions(gracePeriodSeconds=grace), NOW)


def test_a_running_pod_gets_the_grace_of_its_spec() -> None:
    obj = running_pod()
    assert not _delete(obj)
    assert obj.metadata.deletionTimestamp == _after(30)
    assert obj.metadata.deletionGracePeriodSeconds == 30
    assert obj.metadata.generation == 2


def test_the_request_may_name_another_grace() -> None:
    obj = running_pod()
    assert not _delete(obj, 5)
    assert obj.metadata.deletionTimestamp == _after(5)
    assert _delete(running_pod(), 0)
    negative = running_pod()
    assert not _delete(negative, -7)
    assert negative.metadata.deletionGracePeriodSeconds == 1


def test_what_nobody_has_to_end_goes_at_once() -> None:
    unscheduled, finished = pod(), running_pod()
    finished.status.phase = "Succeeded"
    assert _delete(unscheduled)
    assert _delete(finished)


def test_a_second_delete_may_only_shorten_the_grace() -> None:
    obj = running_pod()
    _delete(obj)
    assert not _delete(obj)
    assert not _delete(obj, 60)
    assert obj.metadata.deletionTimestamp == _after(30)
    assert not _delete(obj, 10)
    assert obj.metadata.deletionTimestamp == _after(10)
    assert obj.metadata.deletionGracePeriodSeconds == 10
    assert _delete(obj, 0)


def _status(new: Pod, old: Pod) -> tuple[Pod, list[str]]:
    status = PODS.subresource("status")
    assert status is not None
    merged = status.merge(new, old)
    return merged, texts(status.validate(merged, old))


def test_the_status_subresource_changes_neither_spec_nor_deletion() -> None:
    old, new = running_pod(), running_pod()
    _delete(old)
    new.spec.nodeName = "other"
    new.status.podIP, new.status.qosClass = "10.0.0.1", ""
    merged, errors = _status(new, old)
    assert errors == []
    assert merged.spec.nodeName == "node-1"
    assert merged.status.podIP == "10.0.0.1"
    assert merged.status.qosClass == "BestEffort"
    assert merged.metadata.deletionGracePeriodSeconds == 30


def test_an_observed_generation_is_not_lost_to_writers_that_do_not_know_it() -> None:
    condition = {"type": "Ready", "status": "True", "observedGeneration": 3}
    old, new = running_pod(), running_pod()
    old.status = made({"observedGeneration": 4, "conditions": [condition]}, type(old.status))
    new.status = made({"conditions": [{"type": "Ready", "status": "False"}]}, type(old.status))
    merged, _ = _status(new, old)
    assert merged.status.observedGeneration == 4
    assert merged.status.conditions[0].observedGeneration == 3


def test_the_quality_of_service_is_decided_once() -> None:
    old, new = running_pod(), running_pod()
    new.status.qosClass = "Guaranteed"
    assert _status(new, old)[1] == [
        'status.qosClass: Invalid value: "Guaranteed": field is immutable'
    ]


def test_a_container_that_ended_for_good_does_not_run_again() -> None:
    ended = {"name": "main", "state": {"terminated": {"exitCode": 1}}}
    again = {"name": "main", "state": {"running": {}}}

    def change(policy: str) -> list[str]:
        old, new = running_pod(restartPolicy=policy), running_pod(restartPolicy=policy)
        old.status = made(
            {"qosClass": "BestEffort", "containerStatuses": [ended]}, type(old.status)
        )
        new.status = made({"containerStatuses": [again]}, type(old.status))
        return _status(new, old)[1]

    assert change("Always") == []
    assert change("OnFailure") == []
    assert change("Never") == [
        (
            "status.containerStatuses[0].state: Forbidden: "
            "may not be transitioned to non-terminated state"
        )
    ]


def test_selectors() -> None:
    obj = running_pod(hostNetwork=True, serviceAccountName="sa")
    obj.status.podIP = "10.0.0.9"
    shown = {name: cell(obj) for name, cell in PODS.field_selectors.items()}
    assert shown == {
        "spec.nodeName": "node-1",
        "spec.restartPolicy": "Always",
        "spec.schedulerName": "default-scheduler",
        "spec.serviceAccountName": "sa",
        "spec.hostNetwork": "true",
        "status.phase": "Running",
        "status.podIP": "10.0.0.9",
        "status.nominatedNodeName": "",
    }
