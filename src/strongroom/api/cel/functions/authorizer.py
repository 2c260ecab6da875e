"""``authorizer``: asking whether somebody may do something, inside an expression.

Authorizers are asynchronous and expressions are not. So a question that has no answer yet ends the
evaluation with :class:`Unanswered`; the caller asks, notes the answer in the ``answers`` of the
:class:`AuthorizerValue` and evaluates again. Source: ``k8s.io/apiserver/pkg/cel/library/authz.go``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from strongroom.api.cel.errors import CelError
from strongroom.api.cel.overloads import method
from strongroom.api.cel.values import Opaque
from strongroom.api.names import dns_label, dns_subdomain

AUTHORIZER_TYPE = "kubernetes.authorization.Authorizer"
REQUEST_RESOURCE = "authorizer.requestResource"
_PATH = "kubernetes.authorization.PathCheck"
_GROUP = "kubernetes.authorization.GroupCheck"
_RESOURCE = "kubernetes.authorization.ResourceCheck"
_DECISION = "kubernetes.authorization.Decision"

AUTHORIZER_VARIABLES = {"authorizer": AUTHORIZER_TYPE, REQUEST_RESOURCE: _RESOURCE}
"""The variables of expressions that may ask."""


@dataclass(frozen=True, slots=True)
class Check:
    """A question: may the user do this? ``service_account`` is namespace and name, if not the
    request's user is meant; ``path`` stands for what is no resource.
    """

    service_account: tuple[str, str] | None = None
    verb: str = ""
    path: str = ""
    group: str = ""
    version: str = "*"
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str = ""
    label_selector: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An authorizer's decision; ``error`` is what went wrong, if something did."""

    allowed: bool
    reason: str = ""
    error: str = ""


class Unanswered(BaseException):
    """A question without an answer yet. No error of the expression, so nothing in it catches it."""

    def __init__(self, check: Check) -> None:
        super().__init__("an authorization check has no answer yet")
        self.check = check


Answers = dict[Check, Answer]


@dataclass(frozen=True, slots=True)
class _Asking(Opaque):
    """A question in the making, and where its answer will stand."""

    answers: Answers
    check: Check = field(default_factory=Check)

    def with_(self, **parts: Any) -> Check:
        return replace(self.check, **parts)


@dataclass(frozen=True, slots=True)
class AuthorizerValue(_Asking):
    """The variable ``authorizer``."""

    type_name = AUTHORIZER_TYPE


@dataclass(frozen=True, slots=True)
class _PathCheck(_Asking):
    type_name = _PATH


@dataclass(frozen=True, slots=True)
class _GroupCheck(_Asking):
    type_name = _GROUP


@dataclass(frozen=True, slots=True)
class _ResourceCheck(_Asking):
    type_name = _RESOURCE


@dataclass(frozen=True, slots=True)
class _Decision(Opaque):
    answer: Answer
    type_name = _DECISION


def request_resource(answers: Answers, check: Check) -> Opaque:
    """The variable ``authorizer.requestResource``: a question about what the request is about."""
    return _ResourceCheck(answers, check)


def _path(asking: AuthorizerValue, path: str) -> _PathCheck:
    if not path.strip():
        raise CelError("path must not be empty")
    return _PathCheck(asking.answers, asking.with_(path=path))


def _group(asking: AuthorizerValue, group: str) -> _GroupCheck:
    return _GroupCheck(asking.answers, asking.with_(group=group))


def _service_account(asking: AuthorizerValue, namespace: str, name: str) -> AuthorizerValue:
    if dns_subdomain(name):
        raise CelError("Invalid service account name")
    if dns_label(namespace):
        raise CelError("Invalid service account namespace")
    return AuthorizerValue(asking.answers, asking.with_(service_account=(namespace, name)))


def _resource(asking: _GroupCheck, resource: str) -> _ResourceCheck:
    if not resource.strip():
        raise CelError("resource must not be empty")
    return _ResourceCheck(asking.answers, asking.with_(resource=resource))


def _part(part: str) -> Any:
    def refine(asking: _ResourceCheck, value: str) -> _ResourceCheck:
        return _ResourceCheck(asking.answers, asking.with_(**{part: value}))

    return refine


def _check(asking: _Asking, verb: str) -> _Decision:
    check = asking.with_(verb=verb)
    answer = asking.answers.get(check)
    if answer is None:
        raise Unanswered(check)
    return _Decision(answer)


FUNCTIONS = (
    method("path", f"{AUTHORIZER_TYPE} string -> {_PATH}", _path),
    method("group", f"{AUTHORIZER_TYPE} string -> {_GROUP}", _group),
    method(
        "serviceAccount", f"{AUTHORIZER_TYPE} string string -> {AUTHORIZER_TYPE}", _service_account
    ),
    method("resource", f"{_GROUP} string -> {_RESOURCE}", _resource),
    method("subresource", f"{_RESOURCE} string -> {_RESOURCE}", _part("subresource")),
    method("namespace", f"{_RESOURCE} string -> {_RESOURCE}", _part("namespace")),
    method("name", f"{_RESOURCE} string -> {_RESOURCE}", _part("name")),
    method("fieldSelector", f"{_RESOURCE} string -> {_RESOURCE}", _part("field_selector")),
    method("labelSelector", f"{_RESOURCE} string -> {_RESOURCE}", _part("label_selector")),
    method("check", f"{_PATH} string -> {_DECISION}", _check),
    method("check", f"{_RESOURCE} string -> {_DECISION}", _check),
    method("allowed", f"{_DECISION} -> bool", lambda decision: decision.answer.allowed),
    method("reason", f"{_DECISION} -> string", lambda decision: decision.answer.reason),
    method("errored", f"{_DECISION} -> bool", lambda decision: bool(decision.answer.error)),
    method("error", f"{_DECISION} -> string", lambda decision: decision.answer.error),
)
