"""What a client may ask of lists and watches, and the rules of asking.

The rules and their wording are those of ``metainternalversion.ValidateListOptions`` and
``storage.ValidateListOptions``. Both dataclasses are plain values: ``validated`` judges them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from strongroom.api.errors import FieldError, GroupKind, GroupResource, bad_request, invalid
from strongroom.api.selectors import FieldSelector, LabelSelector
from strongroom.api.validation import Path, forbidden_field, invalid_value, not_supported

NOT_OLDER_THAN = "NotOlderThan"
EXACT = "Exact"

_KIND = GroupKind("meta.k8s.io", "ListOptions")
_MATCH = Path("resourceVersionMatch")
_INITIAL = Path("sendInitialEvents")
_MAX_REVISION = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Which objects to list, and as of when. ``limit`` 0 means all."""

    label_selector: LabelSelector = LabelSelector()
    field_selector: FieldSelector = FieldSelector()
    limit: int = 0
    continue_token: str = ""
    resource_version: str = ""
    resource_version_match: str = ""
    send_initial_events: bool | None = None

    def validated(self) -> Self:
        """These options. Raises StatusError 422."""
        _refuse(_list_errors(self))
        return self


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """Which objects to watch, and from when.

    ``timeout_seconds`` ends the watch (None: never); with bookmarks allowed, one comes shortly
    before the end.
    """

    label_selector: LabelSelector = LabelSelector()
    field_selector: FieldSelector = FieldSelector()
    resource_version: str = ""
    resource_version_match: str = ""
    send_initial_events: bool | None = None
    allow_bookmarks: bool = False
    timeout_seconds: float | None = None
    continue_token: str = ""

    def validated(self) -> WatchOptions:
        """These options with upstream's defaults. Raises StatusError 422.

        A watch from nowhere in particular gets the present objects first, as if asked for.
        """
        options = self
        legacy = self.resource_version in ("", "0") and not self.resource_version_match
        if legacy and self.send_initial_events is None:
            options = replace(self, send_initial_events=True, resource_version_match=NOT_OLDER_THAN)
        _refuse(_watch_errors(options))
        return options


def parse_revision(text: str) -> int:
    """A resourceVersion as a number; the empty one is 0. Raises StatusError 400."""
    if error := _revision_error(text):
        raise bad_request(f"invalid resource version: {error}")
    return int(text or 0)


def parse_watch_revision(text: str, resource: GroupResource) -> int:
    """The same for a watch, where upstream answers 422."""
    if error := _revision_error(text):
        raise invalid(GroupKind(resource.group, resource.resource), "", [error])
    return int(text or 0)


def _revision_error(text: str) -> FieldError | None:
    if not text:
        return None
    why = ""
    if not (text.isascii() and text.isdecimal()):
        why = "invalid syntax"
    elif len(text) > 20 or int(text) > _MAX_REVISION:
        why = "value out of range"
    if not why:
        return None
    quoted = str(invalid_value(Path("resourceVersion"), text, "")).rpartition("value: ")[2]
    detail = f"strconv.ParseUint: parsing {quoted}: {why}"
    return invalid_value(Path("resourceVersion"), text, detail)


def _list_errors(options: ListOptions) -> list[FieldError]:
    errors = []
    match = options.resource_version_match
    if match:
        if not options.resource_version:
            text = "resourceVersionMatch is forbidden unless resourceVersion is provided"
            errors.append(forbidden_field(_MATCH, text))
        if options.continue_token:
            text = "resourceVersionMatch is forbidden when continue is provided"
            errors.append(forbidden_field(_MATCH, text))
        if match not in (EXACT, NOT_OLDER_THAN):
            errors.append(not_supported(_MATCH, match, (EXACT, NOT_OLDER_THAN, "")))
        if match == EXACT and options.resource_version == "0":
            text = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            errors.append(forbidden_field(_MATCH, text))
    if options.send_initial_events is not None:
        errors.append(forbidden_field(_INITIAL, "sendInitialEvents is forbidden for list"))
    return errors


def _watch_errors(options: WatchOptions) -> list[FieldError]:
    errors = []
    match = options.resource_version_match
    if options.send_initial_events is not None and match != NOT_OLDER_THAN:
        text = f"sendInitialEvents requires setting resourceVersionMatch to {NOT_OLDER_THAN}"
        errors.append(forbidden_field(_MATCH, text))
    if match:
        if options.send_initial_events is None:
            text = (
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            )
            errors.append(forbidden_field(_MATCH, text))
        if match != NOT_OLDER_THAN:
            errors.append(not_supported(_MATCH, match, (NOT_OLDER_THAN,)))
        if options.continue_token:
            text = "resourceVersionMatch is forbidden when continue is provided"
            errors.append(forbidden_field(_MATCH, text))
    return errors


def _refuse(errors: list[FieldError]) -> None:
    if errors:
        raise invalid(_KIND, "", errors)
