"""SelfSubjectRulesReview: what may I do in a namespace? Answered at once and never stored."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always
from strongroom.resources.access_review import API_PACKAGE, GROUP
from strongroom.resources.resource import Resource

__all__ = ["API_PACKAGE", "SELF_SUBJECT_RULES_REVIEWS", "SelfSubjectRulesReview"]


class ResourceRule(Struct):
    """What the asker may do with resources."""

    verbs: Annotated[
        list[str], F(1, "What may be done; * is everything.", required=True, list_type="atomic")
    ] = always(list)
    apiGroups: Annotated[
        list[str], F(2, "API groups of the resources; * is all.", list_type="atomic")
    ] = []
    resources: Annotated[
        list[str], F(3, "Plural names, or NAME/SUBRESOURCE; * is all.", list_type="atomic")
    ] = []
    resourceNames: Annotated[
        list[str], F(4, "Names that it is limited to; none means all.", list_type="atomic")
    ] = []


class NonResourceRule(Struct):
    """What the asker may do with paths that are no resources."""

    verbs: Annotated[
        list[str],
        F(1, "HTTP methods in small letters; * is all.", required=True, list_type="atomic"),
    ] = always(list)
    nonResourceURLs: Annotated[
        list[str], F(2, "The paths; a * may end one.", list_type="atomic")
    ] = []


class SelfSubjectRulesReviewSpec(Struct):
    """The question."""

    namespace: Annotated[str, F(1, "The namespace that it is about.")] = ""


class SubjectRulesReviewStatus(Struct):
    """The answer."""

    resourceRules: Annotated[
        list[ResourceRule],
        F(1, "What may be done with resources, in no order.", required=True, list_type="atomic"),
    ] = always(list)
    nonResourceRules: Annotated[
        list[NonResourceRule],
        F(2, "What may be done with paths, in no order.", required=True, list_type="atomic"),
    ] = always(list)
    incomplete: Annotated[
        bool, F(3, "Whether more may be allowed than is listed.", required=True)
    ] = always(bool)
    evaluationError: Annotated[
        str, F(4, "What went wrong on the way; the list may lack rules.")
    ] = ""


class SelfSubjectRulesReview(Object):
    """Asks for all that the asker may do in a namespace: for showing, not for deciding."""

    spec: Annotated[SelfSubjectRulesReviewSpec, F(2, "The question.", required=True)] = (
        msgspec.field(default_factory=SelfSubjectRulesReviewSpec)
    )
    status: Annotated[SubjectRulesReviewStatus, F(3, "The answer.")] = msgspec.field(
        default_factory=SubjectRulesReviewStatus
    )


SELF_SUBJECT_RULES_REVIEWS: Resource[SelfSubjectRulesReview] = Resource(
    group=GROUP,
    version="v1",
    kind="SelfSubjectRulesReview",
    plural="selfsubjectrulesreviews",
    singular="selfsubjectrulesreview",
    type=SelfSubjectRulesReview,
    namespaced=False,
    verbs=("create",),
    answered=True,
)
