"""What questions about access are made of (``authorization.k8s.io/v1``).

Rules: ``pkg/apis/authorization/validation``.
"""

from __future__ import annotations

from typing import Annotated, Protocol

from strongroom.api.errors import FieldError
from strongroom.api.meta import (
    FieldSelectorRequirement,
    LabelSelectorRequirement,
    Object,
    ObjectMeta,
)
from strongroom.api.schema import F, Struct, always
from strongroom.api.validation import Path, invalid_value

API_PACKAGE = "io.k8s.api.authorization.v1"
"""Where OpenAPI places the types of this module."""

GROUP = "authorization.k8s.io"

_SPEC = Path("spec")
_BOTH = "cannot be specified in combination with resourceAttributes"
_NEITHER = "exactly one of nonResourceAttributes or resourceAttributes must be specified"


class FieldSelectorAttributes(Struct):
    """The field selector of a request, as text or in parts."""

    rawSelector: Annotated[str, F(1, "As in a query; not together with requirements.")] = ""
    requirements: Annotated[
        list[FieldSelectorRequirement],
        F(2, "Conditions that must all hold.", list_type="atomic"),
    ] = []


class LabelSelectorAttributes(Struct):
    """The label selector of a request, as text or in parts."""

    rawSelector: Annotated[str, F(1, "As in a query; not together with requirements.")] = ""
    requirements: Annotated[
        list[LabelSelectorRequirement],
        F(2, "Conditions that must all hold.", list_type="atomic"),
    ] = []


class ResourceAttributes(Struct):
    """A request to a resource."""

    namespace: Annotated[str, F(1, "Namespace; empty for all, or for what is in none.")] = ""
    verb: Annotated[str, F(2, "What is to be done, such as get, list, create; * is anything.")] = ""
    group: Annotated[str, F(3, "API group of the resource; * is any.")] = ""
    version: Annotated[str, F(4, "API version of the resource; * is any.")] = ""
    resource: Annotated[str, F(5, "Plural name of the resource; * is any.")] = ""
    subresource: Annotated[str, F(6, "The part of the object that is meant, if any.")] = ""
    name: Annotated[str, F(7, "Name of the object; empty for all.")] = ""
    fieldSelector: Annotated[
        FieldSelectorAttributes | None, F(8, "What a list or watch is limited to, by fields.")
    ] = None
    labelSelector: Annotated[
        LabelSelectorAttributes | None, F(9, "What a list or watch is limited to, by labels.")
    ] = None


class NonResourceAttributes(Struct):
    """A request to a path that is no resource."""

    path: Annotated[str, F(1, "The path of the URL.")] = ""
    verb: Annotated[str, F(2, "The HTTP method in small letters.")] = ""


class SubjectAccessReviewSpec(Struct):
    """Who wants to do what."""

    resourceAttributes: Annotated[
        ResourceAttributes | None, F(1, "What is to be done with a resource.")
    ] = None
    nonResourceAttributes: Annotated[
        NonResourceAttributes | None, F(2, "What is to be done with a path.")
    ] = None
    user: Annotated[str, F(3, "Name of the user; may be left out where groups are given.")] = ""
    groups: Annotated[list[str], F(4, "Groups of the user.", list_type="atomic")] = []
    extra: Annotated[
        dict[str, list[str]], F(5, "What else an authenticator said of the user.")
    ] = {}
    uid: Annotated[str, F(6, "UID of the user.")] = ""


class SubjectAccessReviewStatus(Struct):
    """Whether they may."""

    allowed: Annotated[bool, F(1, "Whether it would be done.", required=True)] = always(bool)
    reason: Annotated[str, F(2, "Why, or why not, if there is anything to say.")] = ""
    evaluationError: Annotated[
        str, F(3, "What went wrong on the way; the answer may stand all the same.")
    ] = ""
    denied: Annotated[bool, F(4, "Whether it is forbidden, and not merely allowed by nobody.")] = (
        False
    )


class _Asks(Protocol):
    @property
    def resourceAttributes(self) -> ResourceAttributes | None: ...  # noqa: N802 - the wire's name

    @property
    def nonResourceAttributes(self) -> NonResourceAttributes | None: ...  # noqa: N802 - as above


def question_errors(spec: _Asks) -> list[FieldError]:
    """The finding on a question about two things, or about none."""
    resource, path = spec.resourceAttributes, spec.nonResourceAttributes
    if resource is not None and path is not None:
        return [invalid_value(_SPEC / "nonResourceAttributes", path, _BOTH)]
    if resource is None and path is None:
        return [invalid_value(_SPEC / "resourceAttributes", None, _NEITHER)]
    return []


def subject_errors(spec: SubjectAccessReviewSpec) -> list[FieldError]:
    """All findings on a question about somebody."""
    errors = question_errors(spec)
    if not spec.user and not spec.groups:
        why = "at least one of user or group must be specified"
        errors.append(invalid_value(_SPEC / "user", spec.user, why))
    return errors


def metadata_errors(obj: Object, why: str = "must be empty") -> list[FieldError]:
    """The finding on a question with metadata; the namespace is the URL's affair."""
    meta, nothing = obj.metadata, ObjectMeta()
    ignored = ("managedFields", "namespace")
    names = (name for name in meta.__struct_fields__ if name not in ignored)
    if all(getattr(meta, name) == getattr(nothing, name) for name in names):
        return []
    return [invalid_value(Path("metadata"), meta, why)]
