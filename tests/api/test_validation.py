"""Validation: names, findings, metadata and options in upstream's words."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from strongroom.api import validation as v
from strongroom.api.errors import FieldError
from strongroom.api.meta import DeleteOptions, ManagedFieldsEntry, ObjectMeta, OwnerReference

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    r"for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
CONFIG_KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
    "'[-._a-zA-Z0-9]+')"
)


def texts(findings: list[FieldError]) -> list[str]:
    return [str(f) for f in findings]


def test_paths_print_as_upstreams() -> None:
    path = v.Path("metadata") / "labels"
    assert str(path.key("a.b/c")) == "metadata.labels[a.b/c]"
    assert str((v.Path("spec") / "containers").index(0) / "name") == "spec.containers[0].name"
    assert str(v.Path("a", "b")) == str(v.Path("a") / "b")
    assert v.Path("a") == v.Path("a")
    assert repr(v.Path("a")) == "Path('a')"
    assert len({v.Path("a"), v.Path("a")}) == 1


@pytest.mark.parametrize(
    ("finding", "reason", "text"),
    [
        (v.required(v.Path("a")), "FieldValueRequired", "a: Required value"),
        (v.required(v.Path("a"), "why"), "FieldValueRequired", "a: Required value: why"),
        (
            v.invalid_value(v.Path("a"), 'q"', "d"),
            "FieldValueInvalid",
            r'a: Invalid value: "q\"": d',
        ),
        (v.invalid_value(v.Path("a"), 3, "d"), "FieldValueInvalid", "a: Invalid value: 3: d"),
        (v.invalid_value(v.Path("a"), True, "d"), "FieldValueInvalid", "a: Invalid value: true: d"),
        (v.invalid_value(v.Path("a"), None, "d"), "FieldValueInvalid", "a: Invalid value: null: d"),
        (
            v.invalid_value(v.Path("a"), ["<"], "d"),
            "FieldValueInvalid",
            r'a: Invalid value: ["\u003c"]: d',
        ),
        (
            v.type_invalid(v.Path("a"), "x", "d"),
            "FieldValueTypeInvalid",
            'a: Invalid value: "x": d',
        ),
        (v.forbidden_field(v.Path("a"), "d"), "FieldValueForbidden", "a: Forbidden: d"),
        (
            v.too_long(v.Path("data"), 1048576),
            "FieldValueTooLong",
            "data: Too long: may not be more than 1048576 bytes",
        ),
        (
            v.too_long(v.Path("a"), 1),
            "FieldValueTooLong",
            "a: Too long: may not be more than 1 byte",
        ),
        (v.too_long(v.Path("a"), -1), "FieldValueTooLong", "a: Too long: value is too long"),
        (v.too_long(v.Path("a"), "d"), "FieldValueTooLong", "a: Too long: d"),
        (
            v.too_many(v.Path("a"), 3, 2),
            "FieldValueTooMany",
            "a: Too many: 3: must have at most 2 items",
        ),
        (v.duplicate(v.Path("a"), "x"), "FieldValueDuplicate", 'a: Duplicate value: "x"'),
        (
            v.not_supported(v.Path("a"), "x", ["b", "c"]),
            "FieldValueNotSupported",
            'a: Unsupported value: "x": supported values: "b", "c"',
        ),
        (v.not_found_value(v.Path("a"), "x"), "FieldValueNotFound", 'a: Not found: "x"'),
        (v.internal_finding(v.Path("a"), "d"), "InternalError", "a: Internal error: d"),
    ],
)
def test_findings_have_upstreams_words(finding: FieldError, reason: str, text: str) -> None:
    assert (finding.reason, str(finding)) == (reason, text)


@pytest.mark.parametrize("name", ["a", "a-b.c-d", "0", "1.2", "a" * 253])
def test_good_subdomains(name: str) -> None:
    assert v.dns_subdomain(name) == []


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a\n", "é", "a.-b"])
def test_bad_subdomains(name: str) -> None:
    assert v.dns_subdomain(name) == [SUBDOMAIN]


def test_lengths_of_names() -> None:
    assert v.dns_subdomain("a" * 254) == ["must be no more than 253 characters"]
    assert v.dns_label("a" * 64) == ["must be no more than 63 characters"]
    assert v.config_map_key("a" * 254) == ["must be no more than 253 characters"]
    assert v.dns_1035_label("a" * 64) == ["must be no more than 63 characters"]
    assert v.label_value("a" * 64) == ["must be no more than 63 bytes"]
    assert v.qualified_name("a" * 64) == ["name part must be no more than 63 bytes"]
    assert v.qualified_name("a" * 254 + "/b") == ["prefix part must be no more than 253 bytes"]


def test_a_prefix_may_end_in_a_dash() -> None:
    assert v.dns_subdomain("web-", prefix=True) == []
    assert v.dns_label("web-", prefix=True) == []
    assert v.dns_subdomain("web-") == [SUBDOMAIN]
    assert v.dns_subdomain("-", prefix=True) == [SUBDOMAIN]


def test_labels_have_no_dots() -> None:
    assert v.dns_label("a.b") == ["must not contain dots"]
    assert v.dns_label("A")[0].startswith("a lowercase RFC 1123 label must consist of")
    assert v.dns_1035_label("1a")[0].startswith("a DNS-1035 label must consist of")


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("a.b_C-1", []),
        (".hidden", []),
        ("", [CONFIG_KEY]),
        ("a/b", [CONFIG_KEY]),
        (".", ["must not be '.'"]),
        ("..", ["must not be '..'"]),
        ("..a", ["must not start with '..'"]),
        ("../a", [CONFIG_KEY, "must not start with '..'"]),
    ],
)
def test_config_keys(key: str, wrong: list[str]) -> None:
    assert v.config_map_key(key) == wrong


@pytest.mark.parametrize("name", ["a", "A_b.c", "example.com/a", "1/2"])
def test_good_qualified_names(name: str) -> None:
    assert v.qualified_name(name) == []


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("", ["name part must be non-empty", "name part must consist of"]),
        ("/a", ["prefix part must be non-empty"]),
        ("a/", ["name part must be non-empty", "name part must consist of"]),
        ("A/b", ["prefix part a lowercase RFC 1123 subdomain"]),
        ("a/b/c", ["a valid label key must consist of"]),
        ("-a", ["name part must consist of"]),
    ],
)
def test_bad_qualified_names(name: str, start: list[str]) -> None:
    wrong = v.qualified_name(name)
    assert [text.startswith(s) for text, s in zip(wrong, start, strict=True)] == [True] * len(start)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (v.env_var_name, ["A", "1-", "a b", "#@!", "$_-"], ["", "a=b", "é", "a\n", "\x7f"]),
        (v.strict_env_var_name, ["A", "a.b-c"], ["1a", "a b", "..", ""]),
        (v.c_identifier, ["_a1"], ["1a", "a-b", ""]),
        (v.label_value, ["", "a", "A_b.c-1"], ["-", "a-", "a b", "a\n"]),
        (v.port_name, ["http", "a-1"], ["1", "A", "a--b", "-a", "a-", "a" * 16]),
        (v.path_segment, ["a:b", "A"], [".", "..", "a/b", "a%b"]),
    ],
)
def test_other_names(check: Callable[[str], list[str]], good: list[str], bad: list[str]) -> None:
    assert [name for name in good if check(name)] == []
    assert [name for name in bad if not check(name)] == []


def test_numbers_in_range() -> None:
    assert v.port_number(1) == v.port_number(65535) == []
    assert v.port_number(0) == ["must be between 1 and 65535, inclusive"]


def test_good_metadata_has_no_findings() -> None:
    meta = ObjectMeta(
        name="a",
        namespace="default",
        labels={"a": "b"},
        annotations={"Example.com/A": "any value ☃"},
        finalizers=["example.com/f"],
        ownerReferences=[OwnerReference(apiVersion="v1", kind="Pod", name="p", uid="u")],
    )
    assert v.validate_object_meta(meta, True, v.dns_subdomain) == []


@pytest.mark.parametrize(
    ("meta", "namespaced", "expected"),
    [
        (
            ObjectMeta(namespace="n"),
            True,
            ["metadata.name: Required value: name or generateName is required"],
        ),
        (ObjectMeta(name="a"), True, ["metadata.namespace: Required value"]),
        (
            ObjectMeta(name="a", namespace="n"),
            False,
            ["metadata.namespace: Forbidden: not allowed on this type"],
        ),
        (
            ObjectMeta(name="A", namespace="n"),
            True,
            [f'metadata.name: Invalid value: "A": {SUBDOMAIN}'],
        ),
        (
            ObjectMeta(name="a", generateName="A_-", namespace="n"),
            True,
            [f'metadata.generateName: Invalid value: "A_-": {SUBDOMAIN}'],
        ),
        (
            ObjectMeta(name="a", namespace="n", generation=-1),
            True,
            ["metadata.generation: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            ObjectMeta(name="a", namespace="n", annotations={"a": "x" * 262144}),
            True,
            ["metadata.annotations: Too long: may not be more than 262144 bytes"],
        ),
        (
            ObjectMeta(name="a", namespace="n", finalizers=["orphan", "foregroundDeletion"]),
            True,
            [
                (
                    'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: '
                    "finalizer orphan and foregroundDeletion cannot be both set"
                )
            ],
        ),
        (
            ObjectMeta(name="a", namespace="n", finalizers=["orphan", "x"]),
            True,
            [
                (
                    'metadata.finalizers[1]: Invalid value: "x": '
                    "name is neither a standard finalizer name nor is it fully qualified"
                )
            ],
        ),
        (
            ObjectMeta(name="a", namespace="n", ownerReferences=[OwnerReference()]),
            True,
            [
                f"metadata.ownerReferences[0].{field}: Required value: must not be empty"
                for field in ("apiVersion", "kind", "name", "uid")
            ],
        ),
        (
            ObjectMeta(name="a", namespace="n", managedFields=[ManagedFieldsEntry(fieldsType="x")]),
            True,
            [
                "metadata.managedFields[0].operation: Required value: must not be empty",
                'metadata.managedFields[0].fieldsType: Invalid value: "x": must be `FieldsV1`',
            ],
        ),
    ],
)
def test_bad_metadata(meta: ObjectMeta, namespaced: bool, expected: list[str]) -> None:
    assert texts(v.validate_object_meta(meta, namespaced, v.dns_subdomain)) == expected


def test_long_subresources_of_managed_fields() -> None:
    entry = ManagedFieldsEntry(operation="Update", fieldsType="FieldsV1", subresource="s" * 257)
    meta = ObjectMeta(name="a", namespace="n", managedFields=[entry])
    assert texts(v.validate_object_meta(meta, True, v.dns_subdomain)) == [
        "metadata.managedFields[0].subresource: Too long: may not be more than 256 bytes"
    ]
    entry.operation = "Guess"
    assert texts(v.validate_object_meta(meta, True, v.dns_subdomain))[0] == (
        'metadata.managedFields[0].operation: Unsupported value: "Guess": '
        'supported values: "Apply", "Update"'
    )


def test_a_rule_without_examples() -> None:
    assert v.regex_text("m", "[a]") == "m (regex used for validation is '[a]')"


def test_owners() -> None:
    def owner(**fields: object) -> OwnerReference:
        given = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", **fields}
        return msgspec.convert(given, OwnerReference)

    def found(*owners: OwnerReference) -> list[str]:
        meta = ObjectMeta(name="a", namespace="n", ownerReferences=list(owners))
        return texts(v.validate_object_meta(meta, True, v.dns_subdomain))

    assert found(owner(apiVersion="apps/v1")) == []
    assert "must be <group>/<version> or <version>" in found(owner(apiVersion="a/b/c"))[0]
    assert "must be <group>/<version> or <version>" in found(owner(apiVersion="apps/"))[0]
    assert "/v1, Kind=Event is disallowed from being an owner" in found(owner(kind="Event"))[0]
    twice = found(owner(controller=True), owner(controller=True, name="q"))
    assert twice[0].endswith(
        "Only one reference can have Controller set to true. "
        'Found "true" in references for Pod/p and Pod/q'
    )


def test_what_metadata_updates_may_not_change() -> None:
    old = ObjectMeta(
        name="a",
        namespace="n",
        uid="u",
        resourceVersion="1",
        generation=2,
        creationTimestamp="2026-01-01T00:00:00Z",
    )
    same = ObjectMeta(
        name="a",
        namespace="n",
        uid="u",
        resourceVersion="1",
        generation=2,
        creationTimestamp="2026-01-01T00:00:00Z",
        labels={"new": "label"},
    )
    assert v.validate_object_meta_update(same, old) == []
    changed = ObjectMeta(name="b", namespace="m", uid="w", generation=1, deletionTimestamp="x")
    assert texts(v.validate_object_meta_update(changed, old)) == [
        'metadata.resourceVersion: Invalid value: "": must be specified for an update',
        "metadata.generation: Invalid value: 1: must not be decremented",
        'metadata.name: Invalid value: "b": field is immutable',
        'metadata.namespace: Invalid value: "m": field is immutable',
        'metadata.uid: Invalid value: "w": field is immutable',
        "metadata.creationTimestamp: Invalid value: null: field is immutable",
        'metadata.deletionTimestamp: Invalid value: "x": field is immutable',
    ]


def test_no_new_finalizers_while_deleting() -> None:
    old = ObjectMeta(name="a", resourceVersion="1", deletionTimestamp="t", finalizers=["a/b"])
    fewer = ObjectMeta(name="a", resourceVersion="1", deletionTimestamp="t")
    more = ObjectMeta(
        name="a", resourceVersion="1", deletionTimestamp="t", finalizers=["a/b", "c/d"]
    )
    assert v.validate_object_meta_update(fewer, old) == []
    assert texts(v.validate_object_meta_update(more, old)) == [
        (
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being "
            'deleted, found new finalizers []string{"c/d"}'
        )
    ]


def test_annotation_values_are_never_printed() -> None:
    meta = ObjectMeta(name="a", namespace="n", annotations={"bad key": "s3cret" * 60000})
    found = texts(v.validate_object_meta(meta, True, v.dns_subdomain))
    assert len(found) == 2
    assert "s3cret" not in "".join(found)


def test_write_options() -> None:
    assert v.validate_write_options(["All"], "kubectl", "Strict") == []
    assert texts(v.validate_write_options(["Some"], "é\n", "No")) == [
        'fieldManager: Invalid value: "é\\n": invalid character U+000A (at position 2)',
        'dryRun: Unsupported value: ["Some"]: supported values: "All"',
        (
            'fieldValidation: Unsupported value: "No": '
            'supported values: "", "Ignore", "Strict", "Warn"'
        ),
    ]
    assert texts(v.validate_write_options((), "m" * 129)) == [
        "fieldManager: Too long: may not be more than 128 bytes"
    ]


def test_patch_options() -> None:
    assert v.validate_patch_options(field_manager="m", force=True, apply=True) == []
    assert texts(v.validate_patch_options(apply=True)) == [
        "fieldManager: Required value: is required for apply patch"
    ]
    assert texts(v.validate_patch_options(force=False)) == [
        "force: Forbidden: may not be specified for non-apply patch"
    ]


def test_delete_options() -> None:
    assert v.validate_delete_options(DeleteOptions(propagationPolicy="Orphan")) == []
    both = DeleteOptions(propagationPolicy="Now", orphanDependents=True, dryRun=["x"])
    assert texts(v.validate_delete_options(both)) == [
        (
            'propagationPolicy: Invalid value: "Now": '
            "orphanDependents and deletionPropagation cannot be both set"
        ),
        (
            'propagationPolicy: Unsupported value: "Now": '
            'supported values: "Foreground", "Background", "Orphan", "nil"'
        ),
        'dryRun: Unsupported value: ["x"]: supported values: "All"',
    ]
    unsafe = DeleteOptions(
        ignoreStoreReadErrorWithClusterBreakingPotential=True, gracePeriodSeconds=0
    )
    assert texts(v.validate_delete_options(unsafe)) == [
        (
            "ignoreStoreReadErrorWithClusterBreakingPotential: Invalid value: true: "
            "cannot be set together with .gracePeriodSeconds"
        )
    ]
