"""Nodes: taints, status, and what may change."""

from __future__ import annotations

from typing import Any

from strongroom.resources.node import NODES, Node
from tests.resources.making import NOW, made, texts


def _node(status: dict[str, Any] | None = None, **spec: Any) -> Node:
    node = made({"metadata": {"name": "node-1"}, "spec": spec, "status": status or {}}, Node)
    NODES.default(node)
    return node


def test_a_node_is_created_with_its_status_and_allocates_its_capacity() -> None:
    node = _node({"capacity": {"cpu": "2000m", "pods": "110"}})
    NODES.prepare_for_create(node, NOW)
    assert node.status.allocatable == {"cpu": "2", "pods": "110"}
    assert NODES.validate(node) == []


def test_taints() -> None:
    taint = {"key": "a", "value": "b", "effect": "NoSchedule"}
    errors = NODES.validate(_node(taints=[taint, taint, {"key": "a", "effect": ""}]))
    assert texts(errors) == [
        (
            'metadata.taints[1]: Duplicate value: {"key":"a","value":"b","effect":"NoSchedule"}: '
            "taints must be unique by key and effect pair"
        ),
        "metadata.taints[2].effect: Required value",
    ]
    assert texts(NODES.validate(_node(taints=[{"key": "a", "effect": "x"}]))) == [
        (
            'metadata.taints[0].effect: Unsupported value: "x": '
            'supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"'
        )
    ]


def test_address_ranges() -> None:
    assert NODES.validate(_node(podCIDRs=["10.0.0.0/24", "fd00::/64"])) == []
    assert texts(NODES.validate(_node(podCIDRs=["x"]))) == [
        (
            'spec.podCIDRs[0]: Invalid value: "x": '
            "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
        )
    ]
    assert texts(NODES.validate(_node(podCIDRs=["10.0.0.0/24", "10.0.0.0/24"]))) == [
        (
            'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.0.0/24"]: '
            "may specify no more than one CIDR for each IP family"
        ),
        'spec.podCIDRs[1]: Duplicate value: "10.0.0.0/24"',
    ]


def test_amounts() -> None:
    assert texts(
        NODES.validate(_node({"capacity": {"pods": "-1"}, "allocatable": {"pods": "1"}}))
    ) == ['status.capacity.pods: Invalid value: "-1": must be greater than or equal to 0']


def test_what_a_node_was_given_stays() -> None:
    old, new = _node(podCIDRs=["10.0.0.0/24"], providerID="a"), _node(providerID="b")
    assert texts(NODES.validate_update(new, old)) == [
        f'spec.{field}: Forbidden: node updates may not change {name} except from "" to valid'
        for field, name in (("podCIDRs", "podCIDR"), ("providerID", "providerID"))
    ]


def test_addresses_are_unique() -> None:
    address = {"type": "Hostname", "address": "a"}
    new = _node({"addresses": [address, address]})
    assert texts(NODES.validate_update(new, _node())) == [
        'status.addresses[1]: Duplicate value: {"type":"Hostname","address":"a"}'
    ]


def test_spec_and_status_have_separate_paths() -> None:
    status = NODES.subresource("status")
    assert status is not None
    new = _node({"phase": "Running"}, unschedulable=True)
    assert not status.merge(new, _node()).spec.unschedulable
    NODES.prepare_for_update(new, _node(), NOW)
    assert new.status.phase == ""


def test_columns_selector_and_storage() -> None:
    node = _node(
        {
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            "nodeInfo": {"kubeletVersion": "v1.37.0", "osImage": "Debian"},
        },
        unschedulable=True,
    )
    node.metadata.labels = {"node-role.kubernetes.io/worker": "", "kubernetes.io/role": "agent"}
    assert NODES.columns_of(node, NOW) == [
        "node-1", "Ready,SchedulingDisabled", "agent,worker", "<unknown>", "v1.37.0",
        "10.0.0.1", "<none>", "Debian", "<unknown>", "<unknown>",
    ]  # fmt: skip
    assert NODES.columns_of(_node(), NOW)[1:3] == ["Unknown", "<none>"]
    assert NODES.field_selectors["spec.unschedulable"](node) == "true"
    assert NODES.key("", "node-1") == "/registry/minions/node-1"
