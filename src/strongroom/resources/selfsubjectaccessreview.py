"""SelfSubjectAccessReview: may I do something?"""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct
from strongroom.resources.access_review import (
    API_PACKAGE,
    GROUP,
    NonResourceAttributes,
    ResourceAttributes,
    SubjectAccessReviewStatus,
    metadata_errors,
    question_errors,
)
from strongroom.resources.resource import Resource

__all__ = ["API_PACKAGE", "SELF_SUBJECT_ACCESS_REVIEWS", "SelfSubjectAccessReview"]


class SelfSubjectAccessReviewSpec(Struct):
    """What the asker wants to do."""

    resourceAttributes: Annotated[
        ResourceAttributes | None, F(1, "What is to be done with a resource.")
    ] = None
    nonResourceAttributes: Annotated[
        NonResourceAttributes | None, F(2, "What is to be done with a path.")
    ] = None


class SelfSubjectAccessReview(Object):
    """Asks whether the asker may do something."""

    spec: Annotated[SelfSubjectAccessReviewSpec, F(2, "The question.", required=True)] = (
        msgspec.field(default_factory=SelfSubjectAccessReviewSpec)
    )
    status: Annotated[SubjectAccessReviewStatus, F(3, "The answer.")] = msgspec.field(
        default_factory=SubjectAccessReviewStatus
    )


class SelfSubjectAccessReviewResource(Resource[SelfSubjectAccessReview]):
    """The behaviour of SelfSubjectAccessReviews."""

    def validate(self, obj: SelfSubjectAccessReview) -> list[FieldError]:
        return question_errors(obj.spec) + metadata_errors(obj)


SELF_SUBJECT_ACCESS_REVIEWS = SelfSubjectAccessReviewResource(
    group=GROUP,
    version="v1",
    kind="SelfSubjectAccessReview",
    plural="selfsubjectaccessreviews",
    singular="selfsubjectaccessreview",
    type=SelfSubjectAccessReview,
    namespaced=False,
    verbs=("create",),
    answered=True,
)
