"""ReplicaSets and the ReplicationControllers before them."""

from __future__ import annotations

from strongroom.resources.replicaset import REPLICA_SETS, ReplicaSet
from strongroom.resources.replicationcontroller import (
    REPLICATION_CONTROLLERS,
    ReplicationController,
)
from tests.resources.making import NOW, made, texts
from tests.resources.templates import template, workload


def test_a_replica_set_is_filled_in_and_judged() -> None:
    obj = made(workload(), ReplicaSet)
    REPLICA_SETS.default(obj)
    REPLICA_SETS.prepare_for_create(obj, NOW)
    assert (obj.spec.replicas, obj.metadata.generation) == (1, 1)
    assert REPLICA_SETS.validate(obj) == []
    assert REPLICA_SETS.columns_of(obj, NOW)[:4] == ["web", 1, 0, 0]
    changed = made(workload(minReadySeconds=-1, selector=None), ReplicaSet)
    REPLICA_SETS.default(changed)
    assert [error.field for error in REPLICA_SETS.validate_update(changed, obj)] == [
        "spec.minReadySeconds",
        "spec.selector",
        "spec.template.metadata.labels",
        "spec.selector",
    ]


def test_a_replication_controller_takes_labels_from_its_template() -> None:
    obj = made(
        {"metadata": {"name": "rc"}, "spec": {"template": template()}}, ReplicationController
    )
    REPLICATION_CONTROLLERS.default(obj)
    assert (obj.spec.selector, obj.metadata.labels) == ({"app": "web"}, {"app": "web"})
    assert REPLICATION_CONTROLLERS.validate(obj) == []
    assert REPLICATION_CONTROLLERS.key("shop", "rc") == "/registry/controllers/shop/rc"
    obj.spec.selector = {"app": "other"}
    assert texts(REPLICATION_CONTROLLERS.validate(obj)) == [
        (
            'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does '
            "not match "
            "template `labels`"
        )
    ]
    bare = made({"metadata": {"name": "rc"}}, ReplicationController)
    REPLICATION_CONTROLLERS.default(bare)
    assert texts(REPLICATION_CONTROLLERS.validate(bare)) == [
        "spec.selector: Required value",
        "spec.template: Required value",
    ]
    assert REPLICATION_CONTROLLERS.columns_of(bare, NOW)[-1] == "<none>"
