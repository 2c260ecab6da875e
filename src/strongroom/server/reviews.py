"""What answers the kinds that are questions (``resource.answered``), by group and plural name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.access.authz.port import Authorizer
from strongroom.access.user import User
from strongroom.api.errors import bad_request
from strongroom.api.times import format_time
from strongroom.registry.answering import Answer
from strongroom.registry.context import RequestContext
from strongroom.resources.selfsubjectreview import SelfSubjectReview
from strongroom.resources.user_info import GROUP as AUTHENTICATION
from strongroom.resources.user_info import UserInfo


@dataclass(frozen=True, slots=True)
class ReviewParts:
    """What the answers are made from."""

    authorizer: Authorizer


def reviews(parts: ReviewParts) -> Mapping[tuple[str, str], Answer[Any]]:
    """The answers."""
    return {(AUTHENTICATION, "selfsubjectreviews"): who_asks}


async def who_asks(ctx: RequestContext, review: SelfSubjectReview) -> SelfSubjectReview:
    """The asker (``pkg/registry/authentication/selfsubjectreview``)."""
    if not isinstance(ctx.user, User):
        raise bad_request("no user present on request")
    review.metadata.creationTimestamp = format_time(ctx.now)
    review.status.userInfo = user_info(ctx.user)
    return review


def user_info(user: User) -> UserInfo:
    """A user as reviews show one."""
    return UserInfo(
        username=user.name,
        uid=user.uid,
        groups=list(user.groups),
        extra={key: list(values) for key, values in user.extra.items()},
    )
