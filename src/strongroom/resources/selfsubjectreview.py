"""SelfSubjectReview: who am I? Answered at once and never stored."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct
from strongroom.resources.resource import Resource
from strongroom.resources.user_info import GROUP, UserInfo

API_PACKAGE = "io.k8s.api.authentication.v1"


class SelfSubjectReviewStatus(Struct):
    """The answer."""

    userInfo: Annotated[UserInfo, F(1, "Who asks.")] = msgspec.field(default_factory=UserInfo)


class SelfSubjectReview(Object):
    """Asks as whom the API server knows the asker; of one who acts as another, as that other."""

    status: Annotated[SelfSubjectReviewStatus, F(2, "The answer.")] = msgspec.field(
        default_factory=SelfSubjectReviewStatus
    )


SELF_SUBJECT_REVIEWS: Resource[SelfSubjectReview] = Resource(
    group=GROUP,
    version="v1",
    kind="SelfSubjectReview",
    plural="selfsubjectreviews",
    singular="selfsubjectreview",
    type=SelfSubjectReview,
    namespaced=False,
    verbs=("create",),
    answered=True,
)
