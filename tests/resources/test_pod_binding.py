"""Binding a pod to a node."""

from __future__ import annotations

import pytest

from strongroom.api.errors import StatusError
from strongroom.resources.pod import PODS, Pod
from strongroom.resources.pod_binding import Binding, bind, validate_binding
from tests.resources.making import NOW, made, pod, texts


def _binding(**target: str) -> Binding:
    return made({"target": {"kind": "Node", "name": "node-1"} | target}, Binding)


def _new() -> Pod:
    obj = pod()
    PODS.prepare_for_create(obj, NOW)
    return obj


def test_a_bound_pod_has_its_node_and_says_so() -> None:
    obj, binding = _new(), _binding()
    binding.metadata.annotations["a"] = "b"
    bind(obj, binding, NOW)
    assert obj.spec.nodeName == "node-1"
    assert obj.metadata.annotations == {"a": "b"}
    assert [(c.type, c.status) for c in obj.status.conditions] == [("PodScheduled", "True")]


def test_the_target_is_a_node_with_a_name() -> None:
    assert texts(validate_binding(_binding(kind="Pod"))) == [
        'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"'
    ]
    assert texts(validate_binding(_binding(name=""))) == ["target.name: Required value"]
    assert validate_binding(_binding()) == []


def _refusal(obj: Pod, binding: Binding) -> str:
    with pytest.raises(StatusError) as caught:
        bind(obj, binding, NOW)
    assert caught.value.code == 409
    return caught.value.message


def test_a_pod_is_bound_once_and_only_while_it_lives() -> None:
    prefix = 'Operation cannot be fulfilled on pods/binding "web": '
    bound, going, gated = _new(), _new(), pod(schedulingGates=[{"name": "a.b/c"}])
    bind(bound, _binding(), NOW)
    why = 'pod web is already assigned to node "node-1"'
    assert _refusal(bound, _binding(name="node-2")) == prefix + why
    going.metadata.deletionTimestamp = "2026-01-02T03:04:05Z"
    why = "pod web is being deleted, cannot be assigned to a host"
    assert _refusal(going, _binding()) == prefix + why
    assert _refusal(gated, _binding()) == prefix + "pod web has non-empty .spec.schedulingGates"


def test_the_binding_may_name_the_uid_it_was_decided_for() -> None:
    obj, binding = _new(), _binding()
    obj.metadata.uid, binding.metadata.uid = "one", "two"
    assert "does not match the UID of pod web" in _refusal(obj, binding)
