"""What is asked about as a SubjectAccessReview says it, for webhooks and for match conditions.

Sources: ``plugin/pkg/authorizer/webhook``, ``pkg/authorization/cel`` of ``k8s.io/apiserver``.
"""

from __future__ import annotations

from typing import Any

from strongroom.access.user import Attributes
from strongroom.api.codec import encode
from strongroom.api.errors import StatusError
from strongroom.api.selectors import FieldSelector, LabelSelector
from strongroom.resources.access_review import GROUP

KIND = "SubjectAccessReview"

Tree = dict[str, Any]

_RESOURCE = (
    ("namespace", "namespace"),
    ("verb", "verb"),
    ("group", "group"),
    ("version", "version"),
    ("resource", "resource"),
    ("subresource", "subresource"),
    ("name", "name"),
)
_LABEL_OPERATORS = {
    "=": "In",
    "==": "In",
    "in": "In",
    "!=": "NotIn",
    "notin": "NotIn",
    "exists": "Exists",
    "!": "DoesNotExist",
}
_SELECTORS = ("fieldSelector", "labelSelector")


def spec_of(wanted: Attributes) -> Tree:
    """The ``spec`` of a review in version v1; what is empty is left out."""
    user = wanted.user
    spec: Tree = {"user": user.name, "uid": user.uid, "groups": list(user.groups)}
    spec["extra"] = {key: list(values) for key, values in user.extra.items()}
    spec = {key: value for key, value in spec.items() if value}
    if not wanted.is_resource:
        spec["nonResourceAttributes"] = _filled(path=wanted.path, verb=wanted.verb)
        return spec
    resource = _filled(**{key: getattr(wanted, name) for key, name in _RESOURCE})
    for key, requirements in zip(_SELECTORS, (_fields(wanted), _labels(wanted)), strict=True):
        if requirements:
            resource[key] = {"requirements": requirements}
    spec["resourceAttributes"] = resource
    return spec


def review_of(spec: Tree, version: str) -> bytes:
    """A review to send, in version ``v1`` or ``v1beta1``."""
    if version == "v1beta1" and "groups" in spec:
        # The one name that differs between the two.
        spec = {("group" if key == "groups" else key): value for key, value in spec.items()}
    return encode(
        {
            "kind": KIND,
            "apiVersion": f"{GROUP}/{version}",
            "metadata": {},
            "spec": spec,
            "status": {"allowed": False},
        }
    )


def request_of(spec: Tree) -> Tree:
    """The variable ``request`` of match conditions: every text is there, empty or not."""
    request: Tree = {
        "user": spec.get("user", ""),
        "groups": spec.get("groups", []),
        "uid": spec.get("uid", ""),
        "extra": spec.get("extra", {}),
    }
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None:
        request["resourceAttributes"] = {key: resource.get(key, "") for key, _ in _RESOURCE} | {
            key: {"requirements": [_requirement(one) for one in resource[key]["requirements"]]}
            for key in _SELECTORS
            if key in resource
        }
    if path is not None:
        request["nonResourceAttributes"] = {key: path.get(key, "") for key in ("path", "verb")}
    return request


def _requirement(one: Tree) -> Tree:
    return {"key": one["key"], "operator": one["operator"], "values": one.get("values", [])}


def _filled(**parts: str) -> Tree:
    return {key: value for key, value in parts.items() if value}


def _fields(wanted: Attributes) -> list[Tree]:
    """The requirements of the field selector. One that cannot be read limits nothing."""
    if not wanted.field_selector:
        return []
    try:
        selector = FieldSelector.parse(wanted.field_selector)
    except StatusError:
        return []
    return [
        {"key": one.field, "operator": "In" if one.equal else "NotIn", "values": [one.value]}
        for one in selector.requirements
    ]


def _labels(wanted: Attributes) -> list[Tree]:
    """The requirements of the label selector, as far as a review has words for them.

    All must hold, so leaving some out asks about more than is wanted, never about less.
    """
    if not wanted.label_selector:
        return []
    try:
        selector = LabelSelector.parse(wanted.label_selector)
    except StatusError:
        return []
    return [
        {"key": one.key, "operator": _LABEL_OPERATORS[one.operator]}
        | ({"values": list(one.values)} if one.values else {})
        for one in selector.requirements
        if one.operator in _LABEL_OPERATORS
    ]
