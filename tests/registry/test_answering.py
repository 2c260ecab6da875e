"""Kinds that are questions: answered, judged by admission, never stored."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from strongroom.access.user import User
from strongroom.api.errors import StatusError, forbidden
from strongroom.api.meta import ObjectMeta
from strongroom.registry.answering import AnsweringRegistry
from strongroom.registry.context import RequestContext
from strongroom.resources.selfsubjectreview import SELF_SUBJECT_REVIEWS, SelfSubjectReview

NOW = datetime(2026, 7, 1, tzinfo=UTC)


class Judge:
    """Writes down what it sees, and refuses what is labelled so."""

    name = "Judge"

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bool]] = []

    async def mutate(self, request: Any) -> None:
        request.obj.metadata.annotations["seen"] = "yes"
        self.seen.append(("mutate", request.operation, request.dry_run))

    async def validate(self, request: Any) -> None:
        self.seen.append(("validate", request.operation, request.dry_run))
        if "no" in request.obj.metadata.labels:
            raise forbidden(request.resource.group_resource, "", "no")


async def answer(ctx: RequestContext, review: SelfSubjectReview) -> SelfSubjectReview:
    review.status.userInfo.username = "ann"
    return review


def context(*, dry_run: bool = False) -> RequestContext:
    return RequestContext(User("ann"), None, NOW, field_manager="me", dry_run=dry_run)


async def test_the_answer_is_what_admission_made_of_the_question_and_more() -> None:
    judge = Judge()
    registry = AnsweringRegistry(SELF_SUBJECT_REVIEWS, [judge], answer)
    view = await registry.create(context(dry_run=True), "", SelfSubjectReview())
    tree = json.loads(view.wire)
    assert tree["status"] == {"userInfo": {"username": "ann"}}
    assert tree["metadata"]["annotations"] == {"seen": "yes"}
    assert "resourceVersion" not in tree["metadata"]
    assert "uid" not in tree["metadata"]
    assert judge.seen == [("mutate", "CREATE", True), ("validate", "CREATE", True)]


async def test_what_admission_refuses_is_not_answered() -> None:
    registry = AnsweringRegistry(SELF_SUBJECT_REVIEWS, [Judge()], answer)
    review = SelfSubjectReview(metadata=ObjectMeta(labels={"no": ""}))
    with pytest.raises(StatusError, match="forbidden") as caught:
        await registry.create(context(), "", review)
    assert caught.value.code == 403
    assert not review.status.userInfo.username
