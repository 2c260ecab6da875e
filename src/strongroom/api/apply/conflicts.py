"""The answer to an apply that would change what others own."""

from __future__ import annotations

from collections.abc import Iterator

from strongroom.api.apply.fieldset import Fields, difference, path_text, paths
from strongroom.api.apply.owners import Manager
from strongroom.api.errors import StatusCause, StatusDetails, StatusError


class Conflicts(Exception):
    """The fields of others that an apply would change, by their owners."""

    def __init__(self, fields: dict[Manager, Fields]) -> None:
        super().__init__("an apply conflicts with other managers")
        self.fields = dict(sorted(fields.items(), key=lambda item: str(item[0])))

    def beyond(self, allowed: Fields) -> dict[Manager, Fields]:
        """The conflicts about other fields than those."""
        rest = {m: difference(fields, allowed) for m, fields in self.fields.items()}
        return {manager: fields for manager, fields in rest.items() if fields}

    def status(self) -> StatusError:
        """409: one cause for each field and owner. Values are never told."""
        each = list(self._each())
        causes = [
            StatusCause(
                reason="FieldManagerConflict", message=f"conflict with {manager}", field=path
            )
            for manager, path in each
        ]
        return StatusError(409, "Conflict", _message(each), details=StatusDetails(causes=causes))

    def _each(self) -> Iterator[tuple[Manager, str]]:
        for manager, fields in self.fields.items():
            for path in paths(fields):
                yield manager, path_text(path)


def _message(each: list[tuple[Manager, str]]) -> str:
    if len(each) == 1:
        manager, path = each[0]
        return f"Apply failed with 1 conflict: conflict with {manager}: {path}"
    lines = []
    last = None
    for manager, path in each:
        if manager != last:
            lines.append(f"conflicts with {manager}:")
            last = manager
        lines.append(f"- {path}")
    return f"Apply failed with {len(each)} conflicts: " + "\n".join(lines)
