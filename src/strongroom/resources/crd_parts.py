"""Rules of what stands in a version beside its schema: columns, subresources, selectable fields."""

from __future__ import annotations

from strongroom.api.errors import FieldError
from strongroom.api.structural import PathError, Structural, resolve
from strongroom.api.validation import Path, duplicate, invalid_value, required, too_many
from strongroom.resources.crd_object import (
    CustomResourceColumnDefinition,
    CustomResourceSubresources,
    SelectableField,
)

COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
MAX_SELECTABLE_FIELDS = 8
_SCALARS = ("string", "boolean", "integer")


def validate_column(column: CustomResourceColumnDefinition, path: Path) -> list[FieldError]:
    """What is wrong with a printer column."""
    errors = []
    if not column.name:
        errors.append(required(path / "name"))
    types = f"must be one of {','.join(COLUMN_TYPES)}"
    if not column.type:
        errors.append(required(path / "type", types))
    elif column.type not in COLUMN_TYPES:
        errors.append(invalid_value(path / "type", column.type, types))
    if column.format and column.format not in _FORMATS:
        detail = f"must be one of {','.join(_FORMATS)}"
        errors.append(invalid_value(path / "format", column.format, detail))
    where = path / "JSONPath"  # upstream's own spelling of this path
    if not column.jsonPath:
        errors.append(required(where))
    return errors + _simple_path(column.jsonPath, where)


def validate_subresources(subresources: CustomResourceSubresources, path: Path) -> list[FieldError]:
    """What is wrong with the paths of a scale subresource."""
    scale = subresources.scale
    if scale is None:
        return []
    errors = []
    for field, root in (("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")):
        text, where = getattr(scale, field), path / f"scale.{field}"
        if not text:
            errors.append(required(where))
        elif found := _simple_path(text, where):
            errors += found
        elif not text.startswith(f"{root}."):
            errors.append(invalid_value(where, text, f"should be a json path under {root}"))
    text, where = scale.labelSelectorPath, path / "scale.labelSelectorPath"
    if text:
        found = _simple_path(text, where)
        if not found and not text.startswith((".spec.", ".status.")):
            detail = "should be a json path under either .spec or .status"
            found = [invalid_value(where, text, detail)]
        errors += found
    return errors


def _simple_path(text: str, path: Path) -> list[FieldError]:
    if text and not text.startswith("."):
        return [invalid_value(path, text, "must be a simple json path starting with .")]
    return []


def validate_selectable_fields(
    fields: list[SelectableField], schema: Structural | None, path: Path
) -> list[FieldError]:
    """What is wrong with selectable fields; ``schema`` is None where there is no valid one."""
    if schema is None:
        return []
    errors, seen = [], set()
    for i, field in enumerate(fields):
        where, text = path.index(i) / "jsonPath", field.jsonPath
        if not text:
            errors.append(required(where))
            continue
        try:
            _, found = resolve(text, schema, arrays=False)
        except PathError as error:
            errors.append(invalid_value(where, text, f"is an invalid path: {error}"))
            continue
        if text.split(".")[1] == "metadata":
            errors.append(invalid_value(where, text, "must not point to fields in metadata"))
        if found.type not in _SCALARS:
            detail = (
                "must point to a field of type string, boolean or integer. Enum string fields and "
                "strings with formats are allowed."
            )
            errors.append(invalid_value(where, text, detail))
        if text in seen:
            errors.append(duplicate(where, text))
        seen.add(text)
    if len(seen) > MAX_SELECTABLE_FIELDS:
        errors.append(too_many(path, len(seen), MAX_SELECTABLE_FIELDS))
    return errors
