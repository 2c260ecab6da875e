"""Values go out of objects and patches, of every kind; nothing else changes."""

import base64
import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.api import codec
from strongroom.api.apply.last_applied import ANNOTATION, MASK
from strongroom.api.custom import custom_type
from strongroom.api.findings import Path
from strongroom.api.schema import FieldSchema, Struct, TypeSchema, schema_of
from strongroom.api.structural.model import read_schema
from strongroom.resources.catalog import CATALOG
from strongroom.resources.configmap import ConfigMap
from strongroom.resources.controllerrevision import ControllerRevision
from strongroom.resources.pod import Pod
from strongroom.resources.secret import Secret
from strongroom.resources.strongroom_annotations import SENSITIVE_KEYS
from strongroom.resources.tokenrequest import TokenRequest
from strongroom.server.audit.marks import node_of
from strongroom.server.audit.redaction import PREFIX, Redaction, without_managed_fields

REDACTION = Redaction(b"k" * 32)
VALUE = "canary-3f1c"
ENCODED = base64.b64encode(VALUE.encode()).decode()
STANDS = REDACTION.stand_in(VALUE.encode())

TYPES = {r.kind: r.type for r in CATALOG.all()} | {"TokenRequest": TokenRequest}


class Maker:
    """Makes random trees of a type, in which marked values can be told from all others."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.marked: list[str] = []
        """The values in marked fields, in plain."""

    def struct(self, struct: type[Struct], depth: int = 0) -> dict[str, Any]:
        tree = {}
        for field in schema_of(struct).fields.values():
            if self.random.random() < (0.9 if depth < 2 else 0.4):
                tree[field.name] = self.field(field, depth)
        return tree

    def field(self, field: FieldSchema, depth: int) -> Any:
        if field.facts.confidential:
            return self.value(field.type)
        if field.facts.confidential_by:
            # Those keys are marked that begin with an "m".
            inner = field.type.items
            assert inner is not None
            return {
                "m1": self.value(inner),
                "u1": self.plain(inner, depth),
                "m2": self.value(inner),
            }
        return self.plain(field.type, depth)

    def value(self, type_: TypeSchema) -> Any:
        if type_.kind == "map" and type_.items is not None:
            return {f"k{i}": self.value(type_.items) for i in range(self.random.randrange(3))}
        text = f"marked-{self.random.randbytes(8).hex()}"
        self.marked.append(text)
        return base64.b64encode(text.encode()).decode() if type_.kind == "bytes" else text

    def plain(self, type_: TypeSchema, depth: int) -> Any:
        if type_.struct is not None:
            return self.struct(type_.struct, depth + 1) if depth < 6 else {}
        if type_.items is not None:
            items = [self.plain(type_.items, depth + 1) for _ in range(self.random.randrange(3))]
            return items if type_.kind == "array" else {f"k{i}": v for i, v in enumerate(items)}
        if type_.kind == "any":
            return self.random.choice([{"a": [1, {"b": "c"}]}, "text", 3, {"f:x": {".": {}}}])
        plain = {"integer": 7, "number": 0.5, "boolean": True}
        text = f"plain-{self.random.randbytes(4).hex()}"
        text = base64.b64encode(text.encode()).decode() if type_.kind == "bytes" else text
        return plain.get(type_.kind, text)


def made(kind: str, seed: int) -> tuple[dict[str, Any], list[str]]:
    maker = Maker(seed)
    tree = maker.struct(TYPES[kind])
    if kind == "ConfigMap":
        tree.setdefault("metadata", {})["annotations"] = {SENSITIVE_KEYS: "m1, m2,m3"}
    return tree, maker.marked


def forms(value: str) -> tuple[str, str]:
    return value, base64.b64encode(value.encode()).decode()


def put_back(tree: Any, values: list[str]) -> str:
    """The text of a tree with what stands for values as it would be in an original."""
    text = codec.encode(tree).decode()
    for value in values:
        text = text.replace(REDACTION.stand_in(value.encode()), "<value>")
    return text


def taken_out(tree: Any, values: list[str]) -> str:
    text = codec.encode(tree).decode()
    for value in values:
        for form in forms(value):
            text = text.replace(form, "<value>")
    return text


@pytest.mark.parametrize("kind", TYPES)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=8, deadline=None)
def test_marked_values_go_and_nothing_else(kind: str, seed: int) -> None:
    tree, values = made(kind, seed)
    node = node_of(TYPES[kind])
    redacted = REDACTION.of_object(copy.deepcopy(tree), node)
    assert put_back(redacted, values) == taken_out(tree, values)
    if kind != "ConfigMap":
        # As a patch, too: of a ConfigMap, a patch does not tell which keys are marked.
        redacted = REDACTION.of_patch(copy.deepcopy(tree), node)
    told = codec.encode(redacted).decode()
    assert not any(form in told for value in values for form in forms(value))


def test_the_marks_are_where_they_should_be() -> None:
    """So that the test above cannot pass by finding no mark at all."""
    marked = {kind for kind in TYPES if any(made(kind, seed)[1] for seed in range(20))}
    assert marked == {"Secret", "ConfigMap", "SecretRevision", "TokenRequest", "TokenReview"}


def redacted_object(type_: type[Struct], tree: Any) -> Any:
    return REDACTION.of_object(copy.deepcopy(tree), node_of(type_))


def redacted_patch(type_: type[Struct], tree: Any) -> Any:
    return REDACTION.of_patch(copy.deepcopy(tree), node_of(type_))


def test_equal_values_have_equal_hashes_in_every_form() -> None:
    told = redacted_object(Secret, {"data": {"a": ENCODED}, "stringData": {"b": VALUE}})
    assert told == {"data": {"a": STANDS}, "stringData": {"b": STANDS}}
    assert STANDS.startswith(PREFIX)
    assert len(STANDS) == len(PREFIX) + 32
    assert Redaction(b"other").stand_in(VALUE.encode()) != STANDS
    assert "k" * 32 not in repr(REDACTION)


PATCHES: list[tuple[Any, Any]] = [
    ({"data": {"a": ENCODED, "b": None}}, {"data": {"a": STANDS, "b": None}}),
    ({"data": {"$patch": "replace", "a": ENCODED}}, {"data": {"$patch": "replace", "a": STANDS}}),
    ({"data": VALUE}, {"data": STANDS}),
    ({"data": [VALUE, {"x": VALUE}]}, {"data": [STANDS, {"x": STANDS}]}),
    ({"Data": {"a": VALUE}}, {"Data": {"a": STANDS}}),
    ({"metadata": {"labels": {"a": "b"}}}, {"metadata": {"labels": {"a": "b"}}}),
    ({"metadata": {"labels": [VALUE]}}, {"metadata": {"labels": [STANDS]}}),
    ({"metadata": {"odd": VALUE}}, {"metadata": {"odd": STANDS}}),
    ({"metadata": {"name": {"x": VALUE}}}, {"metadata": {"name": {"x": STANDS}}}),
    ({"metadata": VALUE}, {"metadata": STANDS}),
    ({"$retainKeys": ["data", VALUE]}, {"$retainKeys": ["data", STANDS]}),
    ({"$setElementOrder/data": [VALUE]}, {"$setElementOrder/data": [STANDS]}),
    ({"$patch": VALUE}, {"$patch": STANDS}),
    (VALUE, STANDS),
    ([VALUE], [STANDS]),
    (None, None),
]


@pytest.mark.parametrize(("patch", "told"), PATCHES)
def test_patches_of_secrets(patch: Any, told: Any) -> None:
    assert redacted_patch(Secret, patch) == told


def add(path: Any, value: Any, **more: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value, **more}


OPERATIONS: list[tuple[Any, Any]] = [
    (add("/data/a", ENCODED), add("/data/a", STANDS)),
    (add("/data", {"a": ENCODED}), add("/data", {"a": STANDS})),
    (add("", {"data": {"a": ENCODED}}), add("", {"data": {"a": STANDS}})),
    ({**add("/data/a", ENCODED), "op": "test"}, {**add("/data/a", STANDS), "op": "test"}),
    (add("/metadata/labels/a~1b", "x"), add("/metadata/labels/a~1b", "x")),
    (add("/metadata/labels/a/b", VALUE), add("/metadata/labels/a/b", STANDS)),
    (add("/unknown", VALUE), add("/unknown", STANDS)),
    (add("/type", "Opaque"), add("/type", "Opaque")),
    (add("/type/x", VALUE), add("/type/x", STANDS)),
    (add(VALUE, VALUE), add(STANDS, STANDS)),
    (add([VALUE], VALUE), add([STANDS], STANDS)),
    (
        add(f"/metadata/annotations/{ANNOTATION.replace('/', '~1')}", VALUE),
        add(f"/metadata/annotations/{ANNOTATION.replace('/', '~1')}", STANDS),
    ),
    ({"op": "copy", "from": "/data/a", "path": "/data/b"},) * 2,
    ({"op": VALUE, "path": "/type"}, {"op": STANDS, "path": "/type"}),
    ({"op": [VALUE], VALUE: VALUE}, {"op": [STANDS], VALUE: STANDS}),
    ([VALUE], [STANDS]),
]


@pytest.mark.parametrize(("operation", "told"), OPERATIONS)
def test_json_patches_of_secrets(operation: Any, told: Any) -> None:
    assert REDACTION.of_json_patch([operation], node_of(Secret)) == [told]


def test_what_is_no_json_patch_is_all_redacted() -> None:
    assert REDACTION.of_json_patch({"a": VALUE}, node_of(Secret)) == {"a": STANDS}


def annotated(text: str) -> dict[str, Any]:
    return {"metadata": {"annotations": {ANNOTATION: text, "other": "stays"}}}


def test_the_annotation_of_apply_is_redacted_like_the_object() -> None:
    inner = annotated(json.dumps({"data": {"c": ENCODED}}))
    text = json.dumps({"data": {"a": ENCODED, "b": MASK}, "Data": {"a": VALUE}, **inner})
    told = redacted_object(Secret, annotated(text))["metadata"]["annotations"]
    assert told["other"] == "stays"
    manifest = json.loads(told[ANNOTATION])
    assert manifest["data"] == {"a": STANDS, "b": MASK}
    assert manifest["Data"] == {"a": STANDS}
    deepest = json.loads(manifest["metadata"]["annotations"][ANNOTATION])
    assert deepest == {"data": {"c": STANDS}}


@pytest.mark.parametrize("text", ["{" + VALUE, VALUE, f'["{VALUE}"]', '{"data":"' + VALUE + '"}'])
def test_what_is_no_manifest_is_redacted_whole(text: str) -> None:
    assert VALUE not in json.dumps(redacted_object(Secret, annotated(text)))


def test_the_annotation_of_kinds_without_marks_stays() -> None:
    tree = annotated('{"spec": {"x": "y"}, "odd": 1}')
    assert redacted_object(Pod, tree) == tree


def test_a_key_twice_in_the_annotation_hides_nothing() -> None:
    text = '{"data":{"a":"' + ENCODED + '"},"data":{}}'
    assert ENCODED not in json.dumps(redacted_object(Secret, annotated(text)))


@pytest.mark.parametrize(
    ("listed", "hidden"),
    [(None, ""), ("", ""), ("a", "a"), (" a , c", "ac"), ("*", "abc"), ("x,*", "abc")],
)
def test_config_maps_list_their_marked_keys(listed: str | None, hidden: str) -> None:
    tree: dict[str, Any] = {"data": {"a": VALUE, "b": VALUE}, "binaryData": {"c": ENCODED}}
    if listed is not None:
        tree |= {"metadata": {"annotations": {SENSITIVE_KEYS: listed}}}
    told = redacted_object(ConfigMap, tree)
    told = {**told["data"], **told["binaryData"]}
    assert {key for key, value in told.items() if value == STANDS} == set(hidden)


def test_the_annotation_of_a_config_map_with_marked_keys() -> None:
    tree = annotated(json.dumps({"data": {"a": VALUE}}))
    assert redacted_object(ConfigMap, tree) == tree
    tree["metadata"]["annotations"][SENSITIVE_KEYS] = "a"
    assert VALUE not in json.dumps(redacted_object(ConfigMap, tree))


def test_a_patch_of_a_config_map_tells_no_value() -> None:
    told = redacted_patch(ConfigMap, {"data": {"a": VALUE}, "binaryData": {"b": ENCODED}})
    assert told == {"data": {"a": STANDS}, "binaryData": {"b": STANDS}}


def test_patches_of_other_kinds_tell_what_is_declared() -> None:
    container = {"name": "c", "env": [{"name": "A", "value": "literal"}], "odd": VALUE}
    told = redacted_patch(Pod, {"spec": {"containers": [container]}, "data": {"a": VALUE}})
    container["odd"] = STANDS
    assert told == {"spec": {"containers": [container]}, "data": {"a": STANDS}}


def test_secrets_within_free_json() -> None:
    one = {"apiVersion": "v1", "kind": "Secret", "data": {"a": ENCODED}, "Data": VALUE}
    many = {"apiVersion": "v1", "kind": "SecretList", "items": [{"data": {"a": ENCODED}}]}
    other = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "plain"}}
    told = redacted_object(ControllerRevision, {"data": {"x": [one, {"y": many}, other]}})
    assert VALUE not in json.dumps(told)
    assert ENCODED not in json.dumps(told)
    assert told["data"]["x"][2] == other


def test_patches_of_free_json_need_not_say_that_it_is_a_secret() -> None:
    told = redacted_patch(ControllerRevision, {"data": {"x": {"data": {"a": ENCODED}}, "y": "z"}})
    assert told == {"data": {"x": {"data": {"a": STANDS}}, "y": "z"}}
    operations = [add("/data/x/stringData/a", VALUE), add("/data/x", {"stringData": {"a": VALUE}})]
    told = REDACTION.of_json_patch(operations, node_of(ControllerRevision))
    assert VALUE not in json.dumps(told)


def custom(**properties: Any) -> Any:
    schema, errors = read_schema({"type": "object", "properties": properties}, Path())
    assert schema is not None, errors
    return custom_type("a.b", "v1", "Thing", schema)


TEXT = {"type": "string"}
PASSWORD = {"type": "string", "format": "password"}
KEPT = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def test_custom_kinds_mark_values_by_their_format() -> None:
    inner = {"user": TEXT, "pass": PASSWORD, "all": {"type": "array", "items": PASSWORD}}
    spec = {"type": "object", "properties": inner, "additionalProperties": PASSWORD}
    tree = {"spec": {"user": "me", "pass": VALUE, "all": [VALUE], "more": VALUE}}
    told = redacted_object(custom(spec=spec), tree)
    assert told == {"spec": {"user": "me", "pass": STANDS, "all": [STANDS], "more": STANDS}}
    wrong = {"spec": {"pass": {"x": [VALUE]}, "all": VALUE}}
    assert VALUE not in json.dumps(redacted_object(custom(spec=spec), wrong))


def test_what_repeats_a_custom_object_is_redacted_too() -> None:
    kind = custom(words={"type": "array", "items": PASSWORD, "x-kubernetes-list-type": "set"})
    tree = annotated(json.dumps({"words": [VALUE], "odd": VALUE}))
    owned: dict[str, Any] = {"f:words": {".": {}, f'v:"{VALUE}"': {}}}
    tree["metadata"]["managedFields"] = [{"manager": "me", "fieldsV1": owned}]
    told = json.dumps(redacted_object(kind, tree))
    assert VALUE not in told
    assert "f:words" in told
    assert "stays" in told


def test_custom_kinds_without_marks_stay() -> None:
    tree = {**annotated('{"a": "b", "odd": 1}'), "a": "b", "more": "x"}
    assert redacted_object(custom(a=TEXT), {**tree}) == tree


def test_secrets_within_custom_objects() -> None:
    manifest = {"apiVersion": "v1", "kind": "Secret", "stringData": {"a": VALUE}}
    tree = {"work": {"manifests": [manifest, {"kind": "Other", "stringData": {"a": "b"}}]}}
    told = redacted_object(custom(work=KEPT), tree)
    assert told["work"]["manifests"][0]["stringData"] == {"a": STANDS}
    assert told["work"]["manifests"][1]["stringData"] == {"a": "b"}
    assert VALUE not in json.dumps(redacted_patch(custom(work=KEPT), {**tree, "odd": VALUE}))


def test_trees_deeper_than_the_stack() -> None:
    deep: Any = VALUE
    for _ in range(3000):
        deep = [deep]
    told = REDACTION.of_patch({"data": {"a": deep}}, node_of(Secret))["data"]["a"]
    while isinstance(told, list):
        (told,) = told
    assert told == STANDS


def test_managed_fields_are_left_out_of_objects_lists_and_tables() -> None:
    obj = {"metadata": {"name": "a", "managedFields": [1]}}
    for tree in (obj, {"items": [obj]}, {"rows": [{"object": obj}, {"object": None}]}):
        told = without_managed_fields(copy.deepcopy(tree))
        assert "managedFields" not in json.dumps(told)
        assert '"name": "a"' in json.dumps(told)
