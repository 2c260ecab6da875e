"""SubjectAccessReview: may somebody do something? Answered at once and never stored."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F
from strongroom.resources.access_review import (
    API_PACKAGE,
    GROUP,
    SubjectAccessReviewSpec,
    SubjectAccessReviewStatus,
    metadata_errors,
    subject_errors,
)
from strongroom.resources.resource import Resource

__all__ = ["API_PACKAGE", "SUBJECT_ACCESS_REVIEWS", "SubjectAccessReview"]


class SubjectAccessReview(Object):
    """Asks whether a user, or the members of groups, may do something."""

    spec: Annotated[SubjectAccessReviewSpec, F(2, "The question.", required=True)] = msgspec.field(
        default_factory=SubjectAccessReviewSpec
    )
    status: Annotated[SubjectAccessReviewStatus, F(3, "The answer.")] = msgspec.field(
        default_factory=SubjectAccessReviewStatus
    )


class SubjectAccessReviewResource(Resource[SubjectAccessReview]):
    """The behaviour of SubjectAccessReviews."""

    def validate(self, obj: SubjectAccessReview) -> list[FieldError]:
        return subject_errors(obj.spec) + metadata_errors(obj)


SUBJECT_ACCESS_REVIEWS = SubjectAccessReviewResource(
    group=GROUP,
    version="v1",
    kind="SubjectAccessReview",
    plural="subjectaccessreviews",
    singular="subjectaccessreview",
    type=SubjectAccessReview,
    namespaced=False,
    verbs=("create",),
    answered=True,
)
