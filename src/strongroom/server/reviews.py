"""What answers the kinds that are questions (``resource.answered``), by group and plural name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strongroom.access.authn.bearer import BearerTokens, token_of
from strongroom.access.authn.port import Authenticated, AuthenticationFailed
from strongroom.access.authz.port import Authorizer
from strongroom.access.user import AUTHENTICATED, User
from strongroom.api.errors import bad_request
from strongroom.api.times import format_time
from strongroom.registry.answering import Answer
from strongroom.registry.context import RequestContext
from strongroom.resources.selfsubjectreview import SelfSubjectReview
from strongroom.resources.tokenreview import TokenReview, TokenReviewStatus
from strongroom.resources.user_info import GROUP as AUTHENTICATION
from strongroom.resources.user_info import UserInfo
from strongroom.server.access_reviews import RulesOf, access_reviews


@dataclass(frozen=True, slots=True)
class ReviewParts:
    """What the answers are made from."""

    authorizer: Authorizer
    tokens: BearerTokens
    rules_of: RulesOf


def reviews(parts: ReviewParts) -> Mapping[tuple[str, str], Answer[Any]]:
    """The answers."""
    return {
        (AUTHENTICATION, "selfsubjectreviews"): who_asks,
        (AUTHENTICATION, "tokenreviews"): TokenReviews(parts.tokens),
        **access_reviews(parts.authorizer, parts.rules_of),
    }


class TokenReviews:
    """Whose tokens are (``pkg/registry/authentication/tokenreview``)."""

    def __init__(self, tokens: BearerTokens) -> None:
        self._tokens = tokens

    async def __call__(self, ctx: RequestContext, review: TokenReview) -> TokenReview:
        """Answer. A token that does not hold is an answer too; raises StatusError 400 for none."""
        token = token_of({"authorization": f"Bearer {review.spec.token}"})
        if not token:
            raise bad_request("token is required for TokenReview in authentication")
        wanted = tuple(review.spec.audiences) or self._tokens.audiences
        review.status = TokenReviewStatus()
        annotations: Mapping[str, str]
        try:
            found = await self._tokens.review(token, wanted)
        except AuthenticationFailed as error:
            review.status.error, annotations = str(error), error.annotations
        else:
            _tell(review.status, found)
            annotations = found.annotations
            for text in found.warnings:
                ctx.tell(text)
        for key, value in annotations.items():
            ctx.annotate(key, value)
        return review


def _tell(status: TokenReviewStatus, found: Authenticated) -> None:
    status.authenticated = True
    status.user = user_info(found.user)
    if AUTHENTICATED not in status.user.groups:
        status.user.groups.append(AUTHENTICATED)
    status.audiences = list(found.audiences)


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
