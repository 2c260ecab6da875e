"""Answers questions about access (``pkg/registry/authorization``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from strongroom.access.authz.port import Authorizer, Held, Verdict
from strongroom.access.user import Attributes, User
from strongroom.api.errors import StatusError, bad_request
from strongroom.api.field_selectors import FieldRequirement
from strongroom.api.meta import FieldSelectorRequirement
from strongroom.api.meta import LabelSelector as LabelConditions
from strongroom.api.selectors import FieldSelector, LabelSelector
from strongroom.registry.answering import Answer
from strongroom.registry.context import RequestContext
from strongroom.resources.access_review import (
    GROUP,
    FieldSelectorAttributes,
    LabelSelectorAttributes,
    NonResourceAttributes,
    ResourceAttributes,
    SubjectAccessReviewStatus,
)
from strongroom.resources.label_selection import selection
from strongroom.resources.localsubjectaccessreview import LocalSubjectAccessReview
from strongroom.resources.selfsubjectaccessreview import SelfSubjectAccessReview
from strongroom.resources.selfsubjectrulesreview import (
    NonResourceRule,
    ResourceRule,
    SelfSubjectRulesReview,
)
from strongroom.resources.subjectaccessreview import SubjectAccessReview

RulesOf = Callable[[User, str], Awaitable[Held]]
"""What a user may do in a namespace, as far as it can be listed."""


def access_reviews(
    authorizer: Authorizer, rules_of: RulesOf
) -> Mapping[tuple[str, str], Answer[Any]]:
    """The answers, by group and plural name."""
    answers = AccessReviews(authorizer, rules_of)
    return {
        (GROUP, "subjectaccessreviews"): answers.about_somebody,
        (GROUP, "localsubjectaccessreviews"): answers.about_somebody,
        (GROUP, "selfsubjectaccessreviews"): answers.about_the_asker,
        (GROUP, "selfsubjectrulesreviews"): answers.all_of_the_asker,
    }


class AccessReviews:
    """Asks the authorizers that judge the requests."""

    def __init__(self, authorizer: Authorizer, rules_of: RulesOf) -> None:
        self._authorizer = authorizer
        self._rules_of = rules_of

    async def about_somebody(
        self, ctx: RequestContext, review: SubjectAccessReview | LocalSubjectAccessReview
    ) -> SubjectAccessReview | LocalSubjectAccessReview:
        """Whether the user that is named may do what is asked about."""
        spec = review.spec
        extra = {key: tuple(values) for key, values in spec.extra.items()}
        user = User(spec.user, spec.uid, tuple(spec.groups), extra)
        review.status = await self._status(
            user, spec.resourceAttributes, spec.nonResourceAttributes
        )
        return review

    async def about_the_asker(
        self, ctx: RequestContext, review: SelfSubjectAccessReview
    ) -> SelfSubjectAccessReview:
        """Whether the asker may do what is asked about."""
        spec = review.spec
        review.status = await self._status(
            _asker(ctx), spec.resourceAttributes, spec.nonResourceAttributes
        )
        return review

    async def all_of_the_asker(
        self, ctx: RequestContext, review: SelfSubjectRulesReview
    ) -> SelfSubjectRulesReview:
        """All that the asker may do in a namespace. Raises StatusError 400 without one."""
        if not review.spec.namespace:
            raise bad_request("no namespace on request")
        held = await self._rules_of(_asker(ctx), review.spec.namespace)
        answer = SelfSubjectRulesReview()
        status = answer.status
        for rule in held.rules:
            verbs = list(rule.verbs)
            if rule.resources:
                status.resourceRules.append(
                    ResourceRule(verbs, list(rule.groups), list(rule.resources), list(rule.names))
                )
            if rule.paths:
                status.nonResourceRules.append(NonResourceRule(verbs, list(rule.paths)))
        status.incomplete, status.evaluationError = held.incomplete, held.error
        return answer

    async def _status(
        self,
        user: User,
        resource: ResourceAttributes | None,
        path: NonResourceAttributes | None,
    ) -> SubjectAccessReviewStatus:
        errors: list[str] = []
        if resource is not None:
            wanted = _resource(user, resource, errors)
        else:
            path = path or NonResourceAttributes()
            wanted = Attributes(user, path.verb, path.path)
        decision = await self._authorizer.authorize(wanted)
        return SubjectAccessReviewStatus(
            allowed=decision.verdict is Verdict.ALLOW,
            reason=decision.reason,
            evaluationError="; ".join(filter(None, (decision.error, *errors))),
            denied=decision.verdict is Verdict.DENY,
        )


def _asker(ctx: RequestContext) -> User:
    if not isinstance(ctx.user, User):
        raise bad_request("no user present on request")
    return ctx.user


def _resource(user: User, asked: ResourceAttributes, errors: list[str]) -> Attributes:
    return Attributes(
        user,
        asked.verb,
        "",
        is_resource=True,
        group=asked.group,
        version=asked.version or "*",
        resource=asked.resource,
        subresource=asked.subresource,
        namespace=asked.namespace,
        name=asked.name,
        label_selector=_labels(asked.labelSelector, errors),
        field_selector=_fields(asked.fieldSelector, errors),
    )


def _fields(asked: FieldSelectorAttributes | None, errors: list[str]) -> str:
    """The selector as in a query. What cannot be read is told, and left out: that asks for more."""
    if asked is None:
        return ""
    if not asked.requirements:
        return _parsed(asked.rawSelector, FieldSelector.parse, "field", errors)
    read = [_field(condition) for condition in asked.requirements]
    known = tuple(requirement for requirement in read if requirement is not None)
    if len(known) < len(read):
        errors.append(_ignored("field", partly=bool(known)))
    return str(FieldSelector(known))


def _field(condition: FieldSelectorRequirement) -> FieldRequirement | None:
    if len(condition.values) != 1 or condition.operator not in ("In", "NotIn"):
        return None
    return FieldRequirement(condition.key, condition.values[0], condition.operator == "In")


def _labels(asked: LabelSelectorAttributes | None, errors: list[str]) -> str:
    if asked is None:
        return ""
    if not asked.requirements:
        return _parsed(asked.rawSelector, LabelSelector.parse, "label", errors)
    selected = [selection(LabelConditions(matchExpressions=[one])) for one in asked.requirements]
    known = [str(one) for one in selected if one is not None]
    if len(known) < len(selected):
        errors.append(_ignored("label", partly=bool(known)))
    return ",".join(known)


def _parsed(text: str, parse: Callable[[str], object], kind: str, errors: list[str]) -> str:
    try:
        return str(parse(text)) if text else ""
    except StatusError:
        errors.append(_ignored(kind, partly=False))
        return ""


def _ignored(kind: str, *, partly: bool) -> str:
    how = "partially ignored" if partly else "ignored"
    return f"spec.resourceAttributes.{kind}Selector {how} due to parse error"
