"""LocalSubjectAccessReview: may somebody do something in this namespace?"""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.errors import FieldError
from strongroom.api.meta import Object
from strongroom.api.schema import F
from strongroom.api.validation import Path, invalid_value
from strongroom.resources.access_review import (
    API_PACKAGE,
    GROUP,
    SubjectAccessReviewSpec,
    SubjectAccessReviewStatus,
    metadata_errors,
    subject_errors,
)
from strongroom.resources.resource import Resource

__all__ = ["API_PACKAGE", "LOCAL_SUBJECT_ACCESS_REVIEWS", "LocalSubjectAccessReview"]


class LocalSubjectAccessReview(Object):
    """Asks as a SubjectAccessReview does, about one namespace: a right that can be given there."""

    spec: Annotated[SubjectAccessReviewSpec, F(2, "The question.", required=True)] = msgspec.field(
        default_factory=SubjectAccessReviewSpec
    )
    status: Annotated[SubjectAccessReviewStatus, F(3, "The answer.")] = msgspec.field(
        default_factory=SubjectAccessReviewStatus
    )


class LocalSubjectAccessReviewResource(Resource[LocalSubjectAccessReview]):
    """The behaviour of LocalSubjectAccessReviews."""

    def validate(self, obj: LocalSubjectAccessReview) -> list[FieldError]:
        spec, errors = obj.spec, subject_errors(obj.spec)
        errors += metadata_errors(obj, "must be empty except for namespace")
        resource, path = spec.resourceAttributes, spec.nonResourceAttributes
        if resource is not None and resource.namespace != obj.metadata.namespace:
            at = Path("spec.resourceAttributes.namespace")
            errors.append(invalid_value(at, resource.namespace, "must match metadata.namespace"))
        if path is not None:
            at = Path("spec.nonResourceAttributes")
            errors.append(invalid_value(at, path, "disallowed on this kind of request"))
        return errors


LOCAL_SUBJECT_ACCESS_REVIEWS = LocalSubjectAccessReviewResource(
    group=GROUP,
    version="v1",
    kind="LocalSubjectAccessReview",
    plural="localsubjectaccessreviews",
    singular="localsubjectaccessreview",
    type=LocalSubjectAccessReview,
    namespaced=True,
    verbs=("create",),
    answered=True,
)
