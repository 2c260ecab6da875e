"""Namespace: its label, finalizer and two-step deletion."""

from __future__ import annotations

from typing import Any

from strongroom.api import codec
from strongroom.api.meta import DeleteOptions
from strongroom.resources.namespace import NAMESPACES, Namespace, NamespaceCondition
from strongroom.resources.strongroom_annotations import HISTORY
from tests.resources.making import NOW, made, texts


def _namespace(name: str = "shop", **fields: Any) -> Namespace:
    namespace = made({"metadata": {"name": name}, **fields}, Namespace)
    NAMESPACES.default(namespace)
    return namespace


def _created(**fields: Any) -> Namespace:
    namespace = _namespace(**fields)
    NAMESPACES.prepare_for_create(namespace, NOW)
    return namespace


def test_a_new_namespace_is_active_labelled_and_held_by_a_finalizer() -> None:
    namespace = _created(status={"phase": "Terminating"})
    assert namespace.status.phase == "Active"
    assert namespace.spec.finalizers == ["kubernetes"]
    assert namespace.metadata.labels == {"kubernetes.io/metadata.name": "shop"}


def test_a_status_without_a_phase_means_active() -> None:
    assert _namespace().status.phase == "Active"


def test_the_label_is_set_for_generated_names_and_comes_back() -> None:
    namespace = _namespace("")
    assert namespace.metadata.labels == {}
    namespace.metadata.name = "made-x7f2k"
    NAMESPACES.prepare_for_create(namespace, NOW)
    assert namespace.metadata.labels == {"kubernetes.io/metadata.name": "made-x7f2k"}
    namespace.metadata.labels = {"kubernetes.io/metadata.name": "other"}
    NAMESPACES.default(namespace)
    assert namespace.metadata.labels == {"kubernetes.io/metadata.name": "made-x7f2k"}


def test_names_are_dns_labels() -> None:
    assert NAMESPACES.validate_name("a.b") == ["must not contain dots"]
    assert NAMESPACES.validate_name("shop-", prefix=True) == []


def test_finalizers_are_standard_or_qualified() -> None:
    namespace = _namespace(spec={"finalizers": ["kubernetes", "a.b/c", "odd"]})
    assert texts(NAMESPACES.validate(namespace)) == [
        (
            'spec.finalizers[2]: Invalid value: "odd": '
            "name is neither a standard finalizer name nor is it fully qualified"
        )
    ]


def test_an_update_changes_metadata_only() -> None:
    old, new = _created(), _namespace(spec={"finalizers": []}, status={"phase": "Terminating"})
    NAMESPACES.prepare_for_update(new, old, NOW)
    assert (new.spec.finalizers, new.status.phase) == (["kubernetes"], "Active")


def test_the_first_delete_marks_and_later_ones_wait_for_the_finalizers() -> None:
    namespace = _created()
    assert not NAMESPACES.begin_deletion(namespace, DeleteOptions(), NOW)
    assert namespace.metadata.deletionTimestamp == "2026-01-02T03:04:05Z"
    assert namespace.status.phase == "Terminating"
    assert not NAMESPACES.begin_deletion(namespace, DeleteOptions(), NOW)
    namespace.spec.finalizers = []
    assert NAMESPACES.begin_deletion(namespace, DeleteOptions(), NOW)


def test_the_finalize_subresource_changes_finalizers_and_ends_the_deletion() -> None:
    finalize = NAMESPACES.subresource("finalize")
    assert finalize is not None
    old = _created()
    NAMESPACES.begin_deletion(old, DeleteOptions(), NOW)
    new = _namespace(spec={"finalizers": []}, status={"phase": "Active"})
    new.metadata.deletionTimestamp = old.metadata.deletionTimestamp
    merged = finalize.merge(new, old)
    assert merged.status.phase == "Terminating"
    assert finalize.validate(merged, old) == []
    assert NAMESPACES.removed_by_update(merged, old)
    merged.metadata.finalizers = ["a.b/c"]
    assert not NAMESPACES.removed_by_update(merged, old)


def test_the_status_subresource_keeps_phase_and_deletion_in_step() -> None:
    status = NAMESPACES.subresource("status")
    assert status is not None
    old = _created()
    new = _namespace(status={"phase": "Terminating", "conditions": [{"type": "A", "status": "T"}]})
    merged = status.merge(new, old)
    assert merged.spec.finalizers == ["kubernetes"]
    assert texts(status.validate(merged, old)) == [
        (
            'status.Phase: Invalid value: "Terminating": '
            "may only be 'Active' if `deletionTimestamp` is empty"
        )
    ]
    merged.metadata.deletionTimestamp = "2026-01-02T03:04:05Z"
    merged.status.phase = "Active"
    assert texts(status.validate(merged, old)) == [
        (
            'status.Phase: Invalid value: "Active": '
            "may only be 'Terminating' if `deletionTimestamp` is not empty"
        )
    ]


def test_columns_and_selectors() -> None:
    namespace = _created()
    assert NAMESPACES.columns_of(namespace, NOW) == ["shop", "Active", "<unknown>"]
    assert NAMESPACES.field_selectors["status.phase"](namespace) == "Active"
    assert NAMESPACES.field_selectors["name"](namespace) == "shop"
    assert "deletecollection" not in NAMESPACES.verbs


def test_a_condition_is_on_the_wire_with_what_every_condition_has() -> None:
    assert codec.to_tree(NamespaceCondition()) == {"type": "", "status": ""}


def test_an_annotation_on_history_that_says_nothing_is_warned_of() -> None:
    for text, told in (("off", 0), ("3", 0), ("some", 1)):
        namespace = _namespace()
        namespace.metadata.annotations = {HISTORY: text}
        assert len(NAMESPACES.warnings(namespace, None)) == told
