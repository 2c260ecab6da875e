"""The rules of ``metav1.Condition``, for kinds whose conditions clients write.

Source: ``k8s.io/apimachinery/pkg/apis/meta/v1/validation`` (``ValidateConditions``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from strongroom.api.errors import FieldError
from strongroom.api.meta import Condition
from strongroom.api.validation import (
    Path,
    duplicate,
    invalid_value,
    not_supported,
    qualified_name,
    regex_text,
    required,
    too_long,
)

_STATUSES = ("False", "True", "Unknown")
_LONGEST_REASON, _LONGEST_MESSAGE = 1024, 32 * 1024
_REASON = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"
_REASON_TEXT = (
    "a condition reason must start with alphabetic character, optionally followed by a string of "
    "alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'"
)
_EXAMPLES = ("my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB")
_reason = re.compile(_REASON)


def condition_errors(conditions: Sequence[Condition], path: Path) -> list[FieldError]:
    """All findings on a list of conditions, of which each type may be there once."""
    errors: list[FieldError] = []
    seen = set[str]()
    for index, condition in enumerate(conditions):
        at = path.index(index)
        if condition.type in seen:
            errors.append(duplicate(at, condition.type))
        seen.add(condition.type)
        errors += _what(condition, at) + _why(condition, at)
    return errors


def _what(condition: Condition, at: Path) -> list[FieldError]:
    errors = []
    if not condition.type:
        errors.append(required(at / "type", "is required"))
    else:
        texts = qualified_name(condition.type)
        errors += [invalid_value(at / "type", condition.type, text) for text in texts]
    if not condition.status:
        errors.append(required(at / "status"))
    elif condition.status not in _STATUSES:
        errors.append(not_supported(at / "status", condition.status, _STATUSES))
    if condition.observedGeneration < 0:
        text = "must be greater than or equal to zero"
        where = at / "observedGeneration"
        errors.append(invalid_value(where, condition.observedGeneration, text))
    return errors


def _why(condition: Condition, at: Path) -> list[FieldError]:
    errors = []
    if not condition.lastTransitionTime:
        errors.append(required(at / "lastTransitionTime"))
    reason = condition.reason
    if not reason:
        errors.append(required(at / "reason"))
    elif not _reason.fullmatch(reason):
        text = regex_text(_REASON_TEXT, _REASON, *_EXAMPLES)
        errors.append(invalid_value(at / "reason", reason, text))
    if len(reason.encode()) > _LONGEST_REASON:
        errors.append(too_long(at / "reason", _LONGEST_REASON))
    if len(condition.message.encode()) > _LONGEST_MESSAGE:
        errors.append(too_long(at / "message", _LONGEST_MESSAGE))
    return errors
