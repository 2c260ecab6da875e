"""TokenReview: whose token is this? Answered at once and never stored."""

from __future__ import annotations

from typing import Annotated

import msgspec

from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct
from strongroom.resources.resource import Resource
from strongroom.resources.user_info import GROUP, UserInfo

API_PACKAGE = "io.k8s.api.authentication.v1"


class TokenReviewSpec(Struct):
    """The question."""

    token: Annotated[str, F(1, "The bearer token.", required=True, confidential=True)] = ""
    audiences: Annotated[
        list[str],
        F(
            2,
            "Names under which the asker is known to those who issue tokens; the token must be "
            "meant for one of them. None: the API server's own.",
            list_type="atomic",
        ),
    ] = []


class TokenReviewStatus(Struct):
    """The answer."""

    authenticated: Annotated[bool, F(1, "Whether the token is somebody's.")] = False
    user: Annotated[UserInfo, F(2, "Whose.")] = msgspec.field(default_factory=UserInfo)
    error: Annotated[str, F(3, "Why it could not be checked, or is nobody's.")] = ""
    audiences: Annotated[
        list[str],
        F(4, "Those asked for that the token is meant for.", list_type="atomic"),
    ] = []


class TokenReview(Object):
    """Asks whose a token is, and for whom it is meant."""

    spec: Annotated[TokenReviewSpec, F(2, "The question.", required=True)] = msgspec.field(
        default_factory=TokenReviewSpec
    )
    status: Annotated[TokenReviewStatus, F(3, "The answer.")] = msgspec.field(
        default_factory=TokenReviewStatus
    )


TOKEN_REVIEWS: Resource[TokenReview] = Resource(
    group=GROUP,
    version="v1",
    kind="TokenReview",
    plural="tokenreviews",
    singular="tokenreview",
    type=TokenReview,
    namespaced=False,
    verbs=("create",),
    answered=True,
)
