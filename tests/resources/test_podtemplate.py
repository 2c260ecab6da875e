"""PodTemplates and ControllerRevisions: what is kept under a name."""

from __future__ import annotations

from strongroom.resources.controllerrevision import CONTROLLER_REVISIONS, ControllerRevision
from strongroom.resources.podtemplate import POD_TEMPLATES, PodTemplate
from tests.resources.making import NOW, made, texts
from tests.resources.templates import template


def test_a_template_is_filled_in_and_judged() -> None:
    obj = made({"metadata": {"name": "t"}, "template": template()}, PodTemplate)
    POD_TEMPLATES.default(obj)
    POD_TEMPLATES.prepare_for_create(obj, NOW)
    assert obj.template.spec.restartPolicy == "Always"
    assert POD_TEMPLATES.validate(obj) == []
    assert POD_TEMPLATES.columns_of(obj, NOW) == ["t", "main", "busybox:1.37", "app=web"]
    changed = made(
        {"template": template(ephemeralContainers=[{"name": "e", "image": "i"}])}, PodTemplate
    )
    POD_TEMPLATES.default(changed)
    POD_TEMPLATES.prepare_for_update(changed, obj, NOW)
    assert changed.metadata.generation == 2
    assert texts(POD_TEMPLATES.validate(changed))[-1] == (
        "template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod "
        "template"
    )


def test_a_revision_s_data_is_fixed() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "u"}
    meta = {"name": "r", "ownerReferences": [owner | {"controller": True}]}
    old = made({"metadata": meta, "data": {"a": 1}, "revision": 2}, ControllerRevision)
    assert CONTROLLER_REVISIONS.validate(old) == []
    assert CONTROLLER_REVISIONS.columns_of(old, NOW)[:3] == ["r", "statefulset.apps/db", 2]
    new = made({"metadata": {"name": "r"}, "data": {"a": 2}, "revision": -1}, ControllerRevision)
    assert texts(CONTROLLER_REVISIONS.validate_update(new, old)) == [
        "revision: Invalid value: -1: must be greater than or equal to 0",
        'data: Invalid value: {"a":2}: field is immutable',
    ]
    assert texts(CONTROLLER_REVISIONS.validate(made({}, ControllerRevision))) == [
        "data: Required value: data is mandatory"
    ]
