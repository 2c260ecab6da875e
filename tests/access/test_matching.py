"""Which requests rules and selectors speak of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from strongroom.access.admission.matching import (
    find_target,
    is_exempt,
    namespace_matches,
    object_matches,
    rule_matches,
    selector_matches,
    target_of,
)
from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.user import Attributes, User
from strongroom.api.codec import from_tree
from strongroom.api.errors import StatusError
from strongroom.api.meta import LabelSelector, Object, ObjectMeta
from strongroom.resources.admission_rules import RuleWithOperations
from strongroom.resources.catalog import CATALOG
from strongroom.resources.pod_binding import Binding
from strongroom.resources.resource import Resource

Tree = dict[str, Any]


def resource(group: str, plural: str) -> Resource[Any]:
    found = CATALOG.by_plural(group, "v1", plural)
    assert found is not None
    return found


def request(
    group: str = "",
    plural: str = "configmaps",
    *,
    operation: str = "CREATE",
    subresource: str = "",
    obj: Object | None = None,
    old: Object | None = None,
) -> AdmissionRequest:
    kind = resource(group, plural)
    return AdmissionRequest(
        Attributes(User("u"), operation.lower(), "", subresource=subresource),
        operation,
        kind,
        "ns" if kind.namespaced else "",
        "name",
        obj,
        old,
        dry_run=False,
        options={},
        warn=lambda text: None,
        annotate=lambda key, value: None,
    )


class Labels:
    """Namespaces with labels."""

    async def labels(self, namespace: str) -> Mapping[str, str] | None:
        return {"ns": {"team": "a"}, "name": {"team": "b"}}.get(namespace)


class Kinds:
    """The two kinds of events are one."""

    def equivalents(self, wanted: Resource[Any]) -> list[Resource[Any]]:
        both = [resource("", "events"), resource("events.k8s.io", "events")]
        return [kind for kind in both if kind is not wanted] if wanted in both else []


def rule(**changes: Any) -> RuleWithOperations:
    tree = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]}
    return from_tree(tree | changes, RuleWithOperations)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"operations": ["CREATE"]}, True),
        ({"operations": ["UPDATE", "DELETE"]}, False),
        ({"apiGroups": ["apps"]}, False),
        ({"apiVersions": ["v1beta1"]}, False),
        ({"resources": ["configmaps"]}, True),
        ({"resources": ["*/*"]}, True),
        ({"resources": ["configmaps/*"]}, True),
        ({"resources": ["configmaps/status", "secrets"]}, False),
        ({"scope": "*"}, True),
        ({"scope": "Namespaced"}, True),
        ({"scope": "Cluster"}, False),
    ],
)
def test_rules(changes: Tree, expected: bool) -> None:
    asked = request()
    assert rule_matches(rule(**changes), asked, target_of(asked)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*", False),
        ("pods", False),
        ("pods/status", True),
        ("*/status", True),
        ("pods/*", True),
        ("*/*", True),
        ("pods/log", False),
    ],
)
def test_subresources_are_named_for_themselves(text: str, expected: bool) -> None:
    asked = request("", "pods", operation="UPDATE", subresource="status")
    assert rule_matches(rule(resources=[text]), asked, target_of(asked)) is expected


def test_namespaces_are_of_the_cluster() -> None:
    asked = request("", "namespaces")
    assert rule_matches(rule(scope="Cluster"), asked, target_of(asked))
    assert not rule_matches(rule(scope="Namespaced"), asked, target_of(asked))


def test_a_subresource_may_show_another_kind() -> None:
    binding = Binding(kind="Binding", apiVersion="v1", metadata=ObjectMeta(name="p"))
    target = target_of(request("", "pods", subresource="binding", obj=binding))
    assert (target.plural, target.kind) == ("pods", "Binding")


@pytest.mark.parametrize(
    ("policy", "expected"), [("Exact", None), ("Equivalent", "events.k8s.io"), (None, None)]
)
def test_equivalent_kinds(policy: str | None, expected: str | None) -> None:
    rules = [rule(apiGroups=["apps"]), rule(apiGroups=["events.k8s.io"])]
    target = find_target(request("", "events"), rules, policy, Kinds())
    assert (target.group if target else None) == expected


def test_the_own_kind_comes_first() -> None:
    target = find_target(request("", "events"), [rule()], "Equivalent", Kinds())
    assert target is not None
    assert target.group == ""


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, True),
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True),
    ],
)
def test_selectors(selector: Tree | None, expected: bool) -> None:
    chosen = None if selector is None else from_tree(selector, LabelSelector)
    assert selector_matches(chosen, {"a": "1"}) is expected


def test_an_operator_that_is_none() -> None:
    tree = {"matchExpressions": [{"key": "a", "operator": "Is"}]}
    with pytest.raises(ValueError, match="operator"):
        selector_matches(from_tree(tree, LabelSelector), {})


def test_objects_match_as_they_were_or_as_they_will_be() -> None:
    selector = LabelSelector(matchLabels={"a": "1"})
    labelled = Object(metadata=ObjectMeta(labels={"a": "1"}))
    for obj, old, expected in (
        (labelled, None, True),
        (Object(), labelled, True),
        (Object(), Object(), False),
        (None, None, False),
    ):
        assert object_matches(selector, request(obj=obj, old=old)) is expected


@pytest.mark.parametrize(("team", "expected"), [("a", True), ("b", False)])
async def test_namespaces_match_by_their_labels(team: str, expected: bool) -> None:
    selector = LabelSelector(matchLabels={"team": team})
    assert await namespace_matches(selector, request(), Labels()) is expected


async def test_what_has_no_namespace_is_never_exempt() -> None:
    selector = LabelSelector(matchLabels={"team": "none"})
    assert await namespace_matches(selector, request("", "nodes"), Labels())


async def test_a_namespace_matches_by_its_own_labels() -> None:
    selector = LabelSelector(matchLabels={"team": "b"})
    new = Object(metadata=ObjectMeta(labels={"team": "c"}))
    assert not await namespace_matches(selector, request("", "namespaces", obj=new), Labels())
    going = request("", "namespaces", operation="DELETE", old=new)
    assert await namespace_matches(selector, going, Labels())


async def test_a_namespace_that_is_missing() -> None:
    asked = request()
    asked.namespace = "none"
    with pytest.raises(StatusError) as caught:
        await namespace_matches(LabelSelector(matchLabels={"a": "b"}), asked, Labels())
    assert (caught.value.code, caught.value.message) == (404, 'namespaces "none" not found')


def test_the_configuration_of_admission_is_exempt() -> None:
    assert is_exempt(request("admissionregistration.k8s.io", "mutatingwebhookconfigurations"))
    assert not is_exempt(request())
