"""Roles and bindings: their defaults, findings, and what their tables show."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.clusterrole import CLUSTER_ROLES
from strongroom.resources.clusterrolebinding import CLUSTER_ROLE_BINDINGS
from strongroom.resources.resource import Resource
from strongroom.resources.role import ROLES
from strongroom.resources.rolebinding import ROLE_BINDINGS
from tests.resources.making import NOW, made, texts

_REF = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}


def _made(resource: Resource[Any], **tree: Any) -> Any:
    obj = made({"metadata": {"name": "x", "namespace": "shop"}} | tree, resource.type)
    resource.default(obj)
    return obj


def _binding(resource: Resource[Any], *subjects: dict[str, Any], **ref: Any) -> Any:
    return _made(resource, roleRef=_REF | ref, subjects=list(subjects))


@pytest.mark.parametrize(
    ("resource", "rule", "findings"),
    [
        (
            ROLES,
            {},
            [
                "rules[0].verbs: Required value: verbs must contain at least one value",
                (
                    "rules[0].apiGroups: Required value: "
                    "resource rules must supply at least one api group"
                ),
                (
                    "rules[0].resources: Required value: "
                    "resource rules must supply at least one resource"
                ),
            ],
        ),
        (
            ROLES,
            {"verbs": ["get"], "nonResourceURLs": ["/x"]},
            [
                (
                    'rules[0].nonResourceURLs: Invalid value: ["/x"]: '
                    "namespaced rules cannot apply to non-resource URLs"
                )
            ],
        ),
        (
            CLUSTER_ROLES,
            {"verbs": ["get"], "nonResourceURLs": ["/x"], "resources": ["pods"]},
            [
                (
                    'rules[0].nonResourceURLs: Invalid value: ["/x"]: '
                    "rules cannot apply to both regular resources and non-resource URLs"
                )
            ],
        ),
        (CLUSTER_ROLES, {"verbs": ["get"], "nonResourceURLs": ["/x"]}, []),
        (ROLES, {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}, []),
    ],
)
def test_rules(resource: Resource[Any], rule: dict[str, Any], findings: list[str]) -> None:
    assert texts(resource.validate(_made(resource, rules=[rule]))) == findings


def test_an_aggregation_rule_selects_by_labels_that_can_be() -> None:
    empty = _made(CLUSTER_ROLES, aggregationRule={})
    assert texts(CLUSTER_ROLES.validate(empty)) == [
        (
            "aggregationRule.clusterRoleSelectors: Required value: "
            "at least one clusterRoleSelector required if aggregationRule is non-nil"
        )
    ]
    odd = {"clusterRoleSelectors": [{"matchLabels": {"a b": "c"}}]}
    (found,) = texts(CLUSTER_ROLES.validate(_made(CLUSTER_ROLES, aggregationRule=odd)))
    assert found.startswith('aggregationRule.clusterRoleSelectors[0].matchLabels: Invalid value: "')


@pytest.mark.parametrize(
    ("binding", "findings"),
    [
        (
            _binding(ROLE_BINDINGS, kind="Job", name=""),
            [
                ('roleRef.kind: Unsupported value: "Job": supported values: "Role", "ClusterRole"'),
                "roleRef.name: Required value",
            ],
        ),
        (
            _binding(CLUSTER_ROLE_BINDINGS, kind="Role", apiGroup="x", name="a/b"),
            [
                (
                    'roleRef.apiGroup: Unsupported value: "x": '
                    'supported values: "rbac.authorization.k8s.io"'
                ),
                'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
                "roleRef.name: Invalid value: \"a/b\": may not contain '/'",
            ],
        ),
        (
            _binding(ROLE_BINDINGS, {"kind": "User", "name": "jane", "apiGroup": "x"}),
            [
                (
                    'subjects[0].apiGroup: Unsupported value: "x": '
                    'supported values: "rbac.authorization.k8s.io"'
                )
            ],
        ),
        (
            _binding(
                CLUSTER_ROLE_BINDINGS,
                {"kind": "ServiceAccount", "name": "A", "apiGroup": "x"},
                {"kind": "Robot", "name": ""},
            ),
            [
                (
                    'subjects[0].name: Invalid value: "A": a lowercase RFC 1123 subdomain must '
                    "consist of lower case alphanumeric characters, '-' or '.', and must start "
                    "and end with an alphanumeric character (e.g. 'example.com', regex used for "
                    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*"
                    "[a-z0-9])?)*')"
                ),
                'subjects[0].apiGroup: Unsupported value: "x": supported values: ""',
                "subjects[0].namespace: Required value",
                "subjects[1].name: Required value",
                (
                    'subjects[1].kind: Unsupported value: "Robot": '
                    'supported values: "ServiceAccount", "User", "Group"'
                ),
            ],
        ),
        (_binding(ROLE_BINDINGS, {"kind": "ServiceAccount", "name": "bot"}), []),
    ],
)
def test_bindings(binding: Any, findings: list[str]) -> None:
    one = binding.__class__ is ROLE_BINDINGS.type
    resource: Resource[Any] = ROLE_BINDINGS if one else CLUSTER_ROLE_BINDINGS
    assert texts(resource.validate(binding)) == findings


def test_groups_that_are_left_out_are_filled_in() -> None:
    subjects = [{"kind": kind, "name": "x"} for kind in ("User", "Group", "ServiceAccount")]
    binding = _made(ROLE_BINDINGS, roleRef={"kind": "Role", "name": "r"}, subjects=subjects)
    group = "rbac.authorization.k8s.io"
    assert binding.roleRef.apiGroup == group
    assert [subject.apiGroup for subject in binding.subjects] == [group, group, ""]


@pytest.mark.parametrize("resource", [ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS])
def test_the_role_of_a_binding_stays(resource: Resource[Any]) -> None:
    old, new = _binding(resource), _binding(resource, name="edit")
    assert resource.validate_update(_binding(resource), old) == []
    assert texts(resource.validate_update(new, old)) == [
        (
            'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"ClusterRole",'
            '"Name":"edit"}: cannot change roleRef'
        )
    ]


@pytest.mark.parametrize("resource", [ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS])
def test_names_need_only_be_safe_in_a_path(resource: Resource[Any]) -> None:
    assert resource.validate_name("system:Anything goes_") == []
    assert resource.validate_name("..") == ["may not be '..'"]
    assert resource.validate_name("a%b") == ["may not contain '%'"]


def test_tables() -> None:
    subjects = [
        {"kind": "User", "name": "jane"},
        {"kind": "User", "name": "joe"},
        {"kind": "Group", "name": "dev"},
        {"kind": "ServiceAccount", "name": "bot", "namespace": "shop"},
    ]
    cells = ROLE_BINDINGS.columns_of(_binding(ROLE_BINDINGS, *subjects), NOW)
    assert [cells[i] for i in (0, 1, 3, 4, 5)] == [
        "x",
        "ClusterRole/view",
        "jane, joe",
        "dev",
        "shop/bot",
    ]
    role = _made(ROLES, rules=[])
    role.metadata.creationTimestamp = "2026-01-02T03:04:05Z"
    assert ROLES.columns_of(role, NOW) == ["x", "2026-01-02T03:04:05Z"]
