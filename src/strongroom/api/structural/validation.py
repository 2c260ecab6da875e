"""Everything that can be wrong with an object of a custom kind (``registry/customresource``).

Values first, then embedded objects, then lists whose items are unique, then CEL rules; these only
if nothing is wrong that they could stumble over.
"""

from __future__ import annotations

from typing import Any

from strongroom.api.errors import FieldError
from strongroom.api.findings import Path, invalid_value
from strongroom.api.structural.checking import check
from strongroom.api.structural.correlation import ABSENT
from strongroom.api.structural.embedded import validate_embedded
from strongroom.api.structural.lists import validate_lists
from strongroom.api.structural.model import Structural, has_rules

BLOCKING = frozenset(
    {
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)
"""Reasons of findings for which no rule is run."""

_UNCHECKED = (
    "some validation rules were not checked because the object was invalid; correct the existing "
    "errors to complete validation"
)


def validate(
    tree: Any, schema: Structural, old: Any = None, path: Path | None = None
) -> list[FieldError]:
    """All findings on an object; on an update of ``old``, what was wrong before may stay.

    The tree is the whole object, metadata included. Nothing is changed.
    """
    path = path if path is not None else Path()
    before = ABSENT if old is None else old
    found = check(tree, schema, before, path)
    found += validate_embedded(tree, schema, path)
    if old is None or not validate_lists(old, schema, path):
        found += validate_lists(tree, schema, path)
    if has_rules(schema):
        # With the rules comes the CEL library, which takes a tenth of a server's start.
        from strongroom.api.structural.rules import check_rules

        if any(finding.reason in BLOCKING for finding in found):
            found.append(invalid_value(Path("<nil>"), None, _UNCHECKED))
        else:
            found += check_rules(tree, schema, before, path, root=True)
    return found
