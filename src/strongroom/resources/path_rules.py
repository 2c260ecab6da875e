"""Rules for paths of files inside volumes and mounts."""

from __future__ import annotations

from strongroom.api.errors import FieldError
from strongroom.api.validation import Path, invalid_value

FILE_MODE_TEXT = "must be a number between 0 and 0777 (octal), both inclusive"


def no_backsteps(text: str, path: Path) -> list[FieldError]:
    """The path may be absolute, but no part of it leads up."""
    if ".." in text.split("/"):
        return [invalid_value(path, text, "must not contain '..'")]
    return []


def descending_path(text: str, path: Path) -> list[FieldError]:
    """The path is relative and no part of it leads up."""
    errors = []
    if text.startswith("/"):
        errors.append(invalid_value(path, text, "must be a relative path"))
    return errors + no_backsteps(text, path)


def projected_path(text: str, path: Path) -> list[FieldError]:
    """As above, and clear of the names that the atomic writer keeps for itself."""
    errors = descending_path(text, path)
    if text.startswith("..") and not text.startswith("../"):
        errors.append(invalid_value(path, text, "must not start with '..'"))
    return errors


def file_mode(mode: int | None, path: Path) -> list[FieldError]:
    """The mode bits of a file, if they are given."""
    if mode is None or 0 <= mode <= 0o777:
        return []
    return [invalid_value(path, mode, FILE_MODE_TEXT)]
