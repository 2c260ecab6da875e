"""CustomResourceDefinitions: defaults, the rules in upstream's words, and what is not judged."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.api.codec import decode, encode, to_tree
from strongroom.api.meta import DeleteOptions
from strongroom.api.validation import Path
from strongroom.resources.crd import CUSTOM_RESOURCE_DEFINITIONS as CRDS
from strongroom.resources.crd_object import (
    CLEANUP,
    CustomResourceColumnDefinition,
    CustomResourceDefinition,
    CustomResourceDefinitionCondition,
)
from strongroom.resources.crd_parts import validate_column

NOW = datetime(2026, 3, 1, tzinfo=UTC)

Tree = dict[str, Any]

BASE: Tree = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "crontabs.stable.example.com"},
    "spec": {
        "group": "stable.example.com",
        "scope": "Namespaced",
        "names": {"plural": "crontabs", "kind": "CronTab"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "color": {"type": "string"},
                                    "size": {"type": "number", "maximum": 10, "minimum": 0.5},
                                    "many": {"type": "array", "items": {"type": "string"}},
                                    "map": {
                                        "type": "object",
                                        "additionalProperties": {"type": "string"},
                                    },
                                },
                            }
                        },
                    }
                },
            }
        ],
    },
}


def read(tree: Tree) -> CustomResourceDefinition:
    crd = decode(encode(tree), CRDS.type, kind=CRDS.kind).obj
    CRDS.default(crd)
    return crd


def created(tree: Tree) -> CustomResourceDefinition:
    crd = read(tree)
    CRDS.prepare_for_create(crd, NOW)
    return crd


def edited(path: str, value: Any) -> Tree:
    """The base with one field changed; ``path`` is dotted, numbers are indices."""
    tree = copy.deepcopy(BASE)
    here: Any = tree
    *parts, last = [int(p) if p.isdigit() else p for p in path.split(".")]
    for part in parts:
        if isinstance(part, int):
            here = here[part]
        else:
            here = here.setdefault(part, {})
    here[last] = value
    return tree


def told(tree: Tree) -> list[str]:
    return [str(error) for error in CRDS.validate(created(tree))]


def test_a_valid_definition_gets_its_defaults() -> None:
    crd = created(BASE)
    assert CRDS.validate(crd) == []
    assert crd.spec.names.singular == "crontab"
    assert crd.spec.names.listKind == "CronTabList"
    assert crd.spec.conversion is not None
    assert crd.spec.conversion.strategy == "None"
    assert crd.status.storedVersions == ["v1"]
    assert crd.metadata.generation == 1


def test_what_was_written_comes_back_as_it_was() -> None:
    schema = {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": True,
        "required": ["a"],
        "properties": {
            "a": {"type": "integer", "default": 0, "maximum": 5, "exclusiveMaximum": True},
            "b": {"type": "array", "items": {"type": "string", "enum": ["x", "y"]}},
            "c": {"type": "object", "additionalProperties": True},
            "d": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}]},
            "e": {"type": "object", "default": {"k": [1, None, {}]}},
            "f": {"type": "string", "not": {"pattern": "^x"}, "nullable": True},
            "g": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["n"],
                "items": {"type": "object", "properties": {"n": {"type": "string"}}},
                "x-kubernetes-validations": [{"rule": "true", "message": "never"}],
            },
        },
    }
    tree = edited("spec.versions.0.schema.openAPIV3Schema", schema)
    written = to_tree(read(tree))
    assert written["spec"]["versions"][0]["schema"]["openAPIV3Schema"] == schema


SCHEMA = "spec.versions.0.schema.openAPIV3Schema"
SCALE = "spec.versions.0.subresources.scale"
SELECTABLE = "spec.versions.0.selectableFields"
LABEL = "a DNS-1035 label must consist of"
PRESERVE = "x-kubernetes-preserve-unknown-fields"

# What is changed, into what, the field that the finding is on, and how its message goes on.
WRONG: list[tuple[str, Any, str, str]] = [
    ("metadata.name", "x.y.z", "metadata.name", 'must be spec.names.plural+"."+spec.group'),
    ("spec.group", "", "spec.group", "Required value"),
    ("spec.group", "nodots", "spec.group", "should be a domain with at least one dot"),
    ("spec.group", "apiextensions.k8s.io", "spec.group", "the group is the server's own"),
    ("spec.scope", "", "spec.scope", "Required value"),
    ("spec.scope", "All", "spec.scope", 'supported values: "Cluster", "Namespaced"'),
    ("spec.names.plural", "", "spec.names.plural", "Required value"),
    ("spec.names.kind", "", "spec.names.kind", "Required value"),
    ("spec.names.kind", "A_b", "spec.names.kind", "may have mixed case, but should otherwise"),
    ("spec.names.listKind", "CronTab", "spec.names.listKind", "kind and listKind may not be the"),
    ("spec.names.shortNames", ["C"], "spec.names.shortNames[0]", LABEL),
    ("spec.names.categories", ["A"], "spec.names.categories[0]", LABEL),
    ("spec.versions.0.name", "V1", "spec.versions[0].name", LABEL),
    ("spec.versions.0.storage", False, "spec.versions", "must have exactly one version marked"),
    ("spec.versions.0.schema", None, "spec.versions[0].schema.openAPIV3Schema", "Required value"),
    (
        "spec.versions.0.deprecationWarning",
        "x",
        "spec.versions[0].deprecationWarning",
        "can only be set for deprecated versions",
    ),
    ("spec.preserveUnknownFields", True, "spec.preserveUnknownFields", f"set {PRESERVE} to true"),
    ("spec.conversion", {"strategy": "Webhook"}, "spec.conversion.strategy", "are not called by"),
    ("spec.conversion", {"strategy": "X"}, "spec.conversion.strategy", '"None", "Webhook"'),
    (
        "spec.conversion",
        {"strategy": "None", "webhook": {"conversionReviewVersions": ["v1"]}},
        "spec.conversion.conversionReviewVersions",
        "should not be set when strategy is not set to Webhook",
    ),
    (f"{SCHEMA}.type", "string", "spec.validation.openAPIV3Schema.type", "must be object"),
    (
        SCALE,
        {"specReplicasPath": "spec.r", "statusReplicasPath": ".status.r"},
        "spec.subresources.scale.specReplicasPath",
        "must be a simple json path starting with .",
    ),
    (
        SCALE,
        {"specReplicasPath": ".spec.r", "statusReplicasPath": ".spec.r"},
        "spec.subresources.scale.statusReplicasPath",
        "should be a json path under .status",
    ),
    (
        SCALE,
        {"specReplicasPath": "", "statusReplicasPath": ".status.r"},
        "spec.subresources.scale.specReplicasPath",
        "Required value",
    ),
    (
        SCALE,
        {
            "specReplicasPath": ".spec.r",
            "statusReplicasPath": ".status.r",
            "labelSelectorPath": ".metadata.x",
        },
        "spec.subresources.scale.labelSelectorPath",
        "should be a json path under either .spec or .status",
    ),
    (SELECTABLE, [{"jsonPath": ""}], "spec.selectableFields[0].jsonPath", "Required value"),
    (SELECTABLE, [{"jsonPath": ".spec.map"}], "spec.selectableFields[0].jsonPath", "must point to"),
    (
        SELECTABLE,
        [{"jsonPath": ".spec.nothing"}],
        "spec.selectableFields[0].jsonPath",
        "is an invalid path: does not refer to a valid field",
    ),
    (
        SELECTABLE,
        [{"jsonPath": ".spec.color"}] * 2,
        "spec.selectableFields[1].jsonPath",
        'Duplicate value: ".spec.color"',
    ),
]


@pytest.mark.parametrize(("path", "value", "field", "text"), WRONG)
def test_what_is_wrong_is_told_in_upstreams_words(
    path: str, value: Any, field: str, text: str
) -> None:
    messages = told(edited(path, value))
    assert [m for m in messages if m.startswith(f"{field}: ") and text in m], messages


@pytest.mark.parametrize(
    ("column", "field", "text"),
    [
        ({"type": "string", "jsonPath": ".a"}, "c.name", "Required value"),
        ({"name": "x", "jsonPath": ".a"}, "c.type", "must be one of boolean,date,integer,number,"),
        ({"name": "x", "type": "word", "jsonPath": ".a"}, "c.type", 'Invalid value: "word"'),
        (
            {"name": "x", "type": "string", "format": "odd", "jsonPath": ".a"},
            "c.format",
            'Invalid value: "odd": must be one of byte,date,date-time',
        ),
        ({"name": "x", "type": "string"}, "c.JSONPath", "Required value"),
        (
            {"name": "x", "type": "string", "jsonPath": "a"},
            "c.JSONPath",
            "must be a simple json path starting with .",
        ),
    ],
)
def test_columns_have_rules(column: Tree, field: str, text: str) -> None:
    errors = validate_column(
        decode(encode(column), CustomResourceColumnDefinition, kind="column").obj, Path("c")
    )
    assert [error.field for error in errors] == [field]
    assert text in str(errors[0])


def test_paths_of_versions_that_differ_are_those_of_the_versions() -> None:
    tree = copy.deepcopy(BASE)
    other = copy.deepcopy(tree["spec"]["versions"][0]) | {"name": "v2", "storage": False}
    other["schema"]["openAPIV3Schema"]["properties"]["spec"]["type"] = ""
    tree["spec"]["versions"].append(other)
    assert any(
        message.startswith("spec.versions[1].schema.openAPIV3Schema.properties[spec].type")
        for message in told(tree)
    )


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (None, "Required value: protected groups must have approval annotation"),
        ("maybe", 'Invalid value: "maybe": protected groups must have approval annotation'),
        ("https://example.com/pr/1", None),
        ("unapproved, experimental-only", None),
    ],
)
def test_groups_of_kubernetes_need_approval(annotation: str | None, expected: str | None) -> None:
    tree = edited("spec.group", "x.k8s.io")
    tree["metadata"]["name"] = "crontabs.x.k8s.io"
    if annotation:
        tree["metadata"]["annotations"] = {"api-approved.kubernetes.io": annotation}
    messages = told(tree)
    if expected is None:
        assert messages == []
    else:
        assert [m.partition(": ")[0] for m in messages] == [
            "metadata.annotations[api-approved.kubernetes.io]"
        ]
        assert expected in messages[0]


def established() -> CustomResourceDefinition:
    crd = created(BASE)
    crd.metadata.resourceVersion = "1"
    crd.status.conditions = [CustomResourceDefinitionCondition(type="Established", status="True")]
    return crd


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("spec.scope", "Cluster", "spec.scope"),
        ("spec.names.kind", "Other", "spec.names.kind"),
        ("spec.group", "other.example.com", "spec.group"),
        ("spec.names.plural", "others", "spec.names.plural"),
    ],
)
def test_what_objects_are_stored_by_cannot_change(path: str, value: str, field: str) -> None:
    old, new = established(), read(edited(path, value))
    CRDS.prepare_for_update(new, old, NOW)
    errors = CRDS.validate_update(new, old)
    assert [e.field for e in errors if "immutable" in str(e)] == [field]


def test_a_change_counts_the_generation_and_notes_the_stored_version() -> None:
    old = established()
    tree = edited("spec.versions.0.storage", False)
    tree["spec"]["versions"].append(
        copy.deepcopy(BASE["spec"]["versions"][0]) | {"name": "v2", "storage": True}
    )
    new = read(tree)
    CRDS.prepare_for_update(new, old, NOW)
    assert new.metadata.generation == 2
    assert new.status.storedVersions == ["v1", "v2"]
    assert CRDS.validate_update(new, established()) == []


def test_a_deletion_first_marks_and_holds() -> None:
    crd = established()
    assert CRDS.begin_deletion(crd, DeleteOptions(), NOW)
    assert crd.metadata.finalizers == [CLEANUP]
    assert crd.status.conditions[-1].reason == "InstanceDeletionPending"


def test_odd_formats_and_sets_are_warned_of_once() -> None:
    path = "spec.versions.0.schema.openAPIV3Schema.properties.spec.properties.odd"
    odd = {
        "type": "array",
        "x-kubernetes-list-type": "set",
        "items": {"type": "object", "format": "nothing"},
    }
    crd = created(edited(path, odd))
    warnings = CRDS.warnings(crd, None)
    assert warnings[0] == 'unrecognized format "nothing"'
    assert warnings[1].startswith('x-kubernetes-list-type: set for items of type "object"')
    assert CRDS.warnings(crd, crd) == []
