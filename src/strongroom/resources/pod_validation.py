"""x."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strongroom.api.errors import FieldError

if TYPE_CHECKING:
    from strongroom.resources.pod import Pod


def validate_pod(pod: Pod) -> list[FieldError]:
    """All."""
    return []
