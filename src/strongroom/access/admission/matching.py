"""Whether a rule, a selector or a namespace's labels speak of a request.

Shared by webhooks and policies. Source: ``admission/plugin/webhook/predicates``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from strongroom.access.admission.port import AdmissionRequest
from strongroom.access.user import LOOPBACK
from strongroom.api.codec import to_tree
from strongroom.api.errors import GroupResource, internal_error, not_found
from strongroom.api.meta import LabelSelector, Object
from strongroom.resources.admission_rules import ALL, EQUIVALENT, RuleWithOperations
from strongroom.resources.label_selection import is_empty, selection
from strongroom.resources.resource import Resource

EXEMPT_GROUP = "admissionregistration.k8s.io"
"""Nothing intercepts these kinds, or a mistake in one of them could not be mended."""

_NAMESPACES = GroupResource("", "namespaces")


class NamespaceLabels(Protocol):
    """What matching asks of the rest of the server about namespaces."""

    async def labels(self, namespace: str) -> Mapping[str, str] | None:
        """The labels of a namespace as of now; None when there is none."""
        ...


class Equivalents(Protocol):
    """What matching asks of the rest of the server about kinds."""

    def equivalents(self, resource: Resource[Any]) -> Sequence[Resource[Any]]:
        """The other groups and versions that serve the same objects."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """A resource and kind as a rule may name it: the request's own, or an equivalent of it."""

    group: str
    version: str
    plural: str
    kind: str
    kind_group: str
    kind_version: str
    resource: Resource[Any]


def target_of(request: AdmissionRequest) -> Target:
    """What the request itself is about. A subresource may show another kind than its resource."""
    resource = request.resource
    shown = request.obj if request.obj is not None else request.old
    if shown is None or isinstance(shown, resource.type) or not shown.kind:
        return _target(resource)
    group, _, version = shown.apiVersion.rpartition("/")
    return Target(
        resource.group, resource.version, resource.plural, shown.kind, group, version, resource
    )


def _target(resource: Resource[Any]) -> Target:
    group, version = resource.group, resource.version
    return Target(group, version, resource.plural, resource.kind, group, version, resource)


def is_exempt(request: AdmissionRequest) -> bool:
    """Whether the request is about admission's own configuration, or an act of the server.

    The server must be able to start and to keep its own objects, whoever fails to answer.
    """
    return request.resource.group == EXEMPT_GROUP or request.attributes.user is LOOPBACK


def find_target(
    request: AdmissionRequest,
    rules: Sequence[RuleWithOperations],
    match_policy: str | None,
    kinds: Equivalents,
) -> Target | None:
    """What the first rule that speaks of the request calls its object; None when none does.

    With the policy Equivalent, other versions of the resource count where its own does not.
    """
    own = target_of(request)
    if any(rule_matches(rule, request, own) for rule in rules):
        return own
    if match_policy != EQUIVALENT or own.resource.kind != own.kind:
        return None
    others = [_target(resource) for resource in kinds.equivalents(request.resource)]
    for rule in rules:
        for other in others:
            if rule_matches(rule, request, other):
                return other
    return None


def rule_matches(rule: RuleWithOperations, request: AdmissionRequest, target: Target) -> bool:
    """Whether a rule names the operation and the resource."""
    return (
        _has(rule.operations, request.operation)
        and _has(rule.apiGroups, target.group)
        and _has(rule.apiVersions, target.version)
        and _scope_matches(rule.scope, request)
        and any(
            _resource_matches(text, target.plural, request.attributes.subresource)
            for text in rule.resources
        )
    )


def _has(values: Iterable[str], wanted: str) -> bool:
    return any(value in (ALL, wanted) for value in values)


def _scope_matches(scope: str | None, request: AdmissionRequest) -> bool:
    if scope in (None, ALL):
        return True
    return (scope == "Namespaced") == request.resource.namespaced


def _resource_matches(text: str, plural: str, subresource: str) -> bool:
    resource, _, part = text.partition("/")
    return resource in (ALL, plural) and part in (ALL, subresource)


def selector_matches(selector: LabelSelector | None, labels: Mapping[str, str]) -> bool:
    """Whether labels meet all conditions. Raises ValueError for an operator that is none."""
    if selector is None:
        return True
    selected = selection(selector)
    if selected is None:
        raise ValueError("not a valid label selector operator")
    return selected.matches(labels)


def object_matches(selector: LabelSelector | None, request: AdmissionRequest) -> bool:
    """Whether the object, as it was or as it will be, bears the labels."""
    if selector is None or is_empty(selector):
        return True
    return any(
        obj is not None and selector_matches(selector, obj.metadata.labels)
        for obj in (request.obj, request.old)
    )


async def namespace_matches(
    selector: LabelSelector | None, request: AdmissionRequest, namespaces: NamespaceLabels
) -> bool:
    """Whether the request's namespace bears the labels; what has no namespace always does.

    A namespace itself is judged by its own labels, as they will be. Raises StatusError 404 when
    the namespace is missing, 500 when the selector is malformed.
    """
    about_namespace = request.resource.group_resource == _NAMESPACES
    everything = selector is None or is_empty(selector)
    if everything or not (request.namespace or about_namespace):
        return True
    labels: Mapping[str, str] | None
    if about_namespace and not request.attributes.subresource and request.obj is not None:
        labels = request.obj.metadata.labels
    else:
        name = request.name if about_namespace else request.namespace
        labels = await namespaces.labels(name)
        if labels is None:
            raise not_found(_NAMESPACES, name)
    try:
        return selector_matches(selector, labels)
    except ValueError as error:
        raise internal_error(str(error)) from None


def as_seen(obj: Object | None, request: AdmissionRequest, target: Target) -> dict[str, Any] | None:
    """The tree of an object of the request as a target shows it. Raises StatusError 500."""
    if obj is None:
        return None
    tree = to_tree(converted(obj, request.resource, target.resource))
    group, version = target.kind_group, target.kind_version
    return tree | {"kind": target.kind, "apiVersion": f"{group}/{version}" if group else version}


def converted(obj: Object, source: Resource[Any], wanted: Resource[Any]) -> Object:
    """The object as another version of its kind serves it. Raises StatusError 500.

    All versions of a kind agree on what is stored, so the way leads through that.
    """
    if source is wanted or not isinstance(obj, source.type):
        return obj
    try:
        stored = source.stored.to_stored(obj) if source.stored is not None else obj
        made: Object = wanted.stored.from_stored(stored) if wanted.stored is not None else stored
    except ValueError as error:
        raise internal_error(f"unable to convert to {wanted.api_version}") from error
    return made
