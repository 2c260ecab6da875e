"""What may change after a pod was made."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.pod import PODS, Pod
from strongroom.resources.pod_update_validation import IMMUTABLE_SPEC
from tests.resources.making import running_pod, texts


def _change(new: Pod, old: Pod | None = None) -> list[str]:
    return texts(PODS.validate_update(new, old or running_pod()))


def test_metadata_and_images_may_change() -> None:
    new = running_pod({"image": "busybox:1.38"})
    new.metadata.labels["a"] = "b"
    assert _change(new) == []


def test_images_may_not_vanish() -> None:
    assert "spec.containers[0].image: Required value" in _change(running_pod({"image": ""}))


@pytest.mark.parametrize(
    "spec",
    [{"nodeSelector": {"a": "b"}}, {"restartPolicy": "Never"}, {"volumes": [{"name": "v"}]}],
)
def test_the_rest_of_the_spec_may_not(spec: dict[str, Any]) -> None:
    assert _change(running_pod(**spec)) == [f"spec: Forbidden: {IMMUTABLE_SPEC}"]
    assert IMMUTABLE_SPEC == (
        "pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` "
        "(only additions to existing tolerations),`spec.terminationGracePeriodSeconds` "
        "(allow it to be set to 1 if it was previously negative)\n"
    )


def test_containers_may_not_be_added() -> None:
    more = [{"name": "main", "image": "busybox:1.37"}, {"name": "b", "image": "b"}]
    assert _change(running_pod(containers=more)) == [
        "spec.containers: Forbidden: pod updates may not add or remove containers"
    ]


def test_the_deadline_may_be_set_and_brought_forward() -> None:
    def deadline(new: int | None, old: int | None) -> list[str]:
        later = running_pod(activeDeadlineSeconds=new)
        return _change(later, running_pod(activeDeadlineSeconds=old))

    assert deadline(5, None) == []
    assert deadline(5, 10) == []
    assert deadline(10, 5) == [
        (
            "spec.activeDeadlineSeconds: Invalid value: 10: "
            "must be less than or equal to previous value"
        )
    ]
    assert deadline(None, 5) == [
        (
            "spec.activeDeadlineSeconds: Invalid value: null: "
            "must not update from a positive integer to nil value"
        )
    ]


def test_tolerations_may_only_be_added() -> None:
    one = {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
    old = running_pod(tolerations=[one])
    assert (
        _change(running_pod(tolerations=[one | {"tolerationSeconds": 9}, {"key": "b"}]), old) == []
    )
    assert _change(running_pod(tolerations=[one | {"key": "b"}]), old) == [
        (
            "spec.tolerations: Forbidden: "
            "existing toleration can not be modified except its tolerationSeconds"
        )
    ]


def test_scheduling_gates_may_only_be_removed() -> None:
    def gated(*names: str) -> Pod:
        obj = running_pod(schedulingGates=[{"name": name} for name in names])
        obj.spec.nodeName = ""
        return obj

    assert _change(gated("a"), gated("a", "b")) == []
    assert _change(gated("a", "c"), gated("a", "b")) == [
        (
            "spec.schedulingGates[1].name: Forbidden: "
            "only deletion is allowed, but found new scheduling gate 'c'"
        )
    ]


def test_the_mirror_annotation_stays_as_it_is() -> None:
    new = running_pod()
    new.metadata.annotations["kubernetes.io/config.mirror"] = "x"
    path = "metadata.annotations[kubernetes.io/config.mirror]"
    assert _change(new) == [f"{path}: Forbidden: may not add mirror pod annotation"]
    assert _change(running_pod(), new) == [
        f"{path}: Forbidden: may not remove or update mirror pod annotation"
    ]
