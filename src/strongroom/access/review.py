"""Asking a webhook by a review: what authentication and authorization need of the network.

A review is a question with room for its answer (TokenReview, SubjectAccessReview). Nothing here
speaks HTTP: the server gives a :class:`Reviewer` that does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol, TypeVar

from strongroom.api.codec import decode
from strongroom.api.errors import StatusError
from strongroom.api.gotext import quote
from strongroom.api.meta import Object

T = TypeVar("T")
Review = TypeVar("Review", bound=Object)


class ReviewFailed(Exception):
    """No webhook answered. The text says why, and holds no bytes of question or answer.

    ``late`` says that time ran out.
    """

    holds_no_payload: ClassVar = True

    def __init__(self, why: str, *, late: bool = False) -> None:
        super().__init__(why)
        self.late = late


class Reviewer(Protocol):
    """Speaks to one webhook."""

    async def ask(self, body: bytes, read: Callable[[bytes], T]) -> T:
        """Send a review; what ``read`` makes of the answer. Raises ReviewFailed.

        ``read`` raises ReviewFailed for what is no answer. Tries again where that may help.
        """
        ...


def read_review(body: bytes, struct: type[Review], kind: str, version: str) -> Review:
    """The review in an answer. Raises ReviewFailed, whose text holds nothing of the body.

    As upstream, an answer that does not say what it is is taken for what was asked for.
    """
    try:
        review = decode(body, struct, kind=kind, version=version).obj
    except StatusError:
        raise ReviewFailed(f"the answer is no {kind} in JSON") from None
    if (review.kind or kind, review.apiVersion or version) != (kind, version):
        raise ReviewFailed(f"expected an answer of {version}, Kind={quote(kind)}, got another kind")
    return review
