"""The answers to patches that cannot be applied."""

from __future__ import annotations

from strongroom.api.errors import StatusDetails, StatusError, bad_request


def unprocessable() -> StatusError:
    """422: the patch is well formed and does not apply. Upstream's text tells nothing more."""
    return StatusError(
        422,
        "Invalid",
        "the server rejected our request due to an error in our request",
        details=StatusDetails(),
    )


def malformed(why: str) -> StatusError:
    """400: the body is not a patch of its kind."""
    return bad_request(why)
