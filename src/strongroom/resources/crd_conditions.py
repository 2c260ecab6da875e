"""What becomes of a definition: which of its names it gets, and whether it is served."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from strongroom.api.gotext import quote
from strongroom.resources.crd_names import approval, is_protected
from strongroom.resources.crd_object import (
    API_APPROVED,
    ESTABLISHED,
    NAMES_ACCEPTED,
    CustomResourceDefinition,
    CustomResourceDefinitionCondition,
    CustomResourceDefinitionNames,
    is_true,
    set_condition,
)

_APPROVALS = {
    "missing": ("False", "MissingAnnotation"),
    "invalid": ("False", "InvalidAnnotation"),
    "bypassed": ("False", "UnapprovedAnnotation"),
    "approved": ("True", "ApprovedAnnotation"),
}


def accept_names(
    crd: CustomResourceDefinition, taken: Sequence[CustomResourceDefinitionNames], now: str
) -> None:
    """Give the definition the names that nobody of its group has ``taken``, and establish it.

    A definition that was established stays so, whatever its names become. Upstream waits some
    seconds between accepting the names and establishing, for servers that share a store to hear
    of it: our server answers for what it has stored, so both are said at once.
    """
    names, conflict = _accepted(crd, taken)
    crd.status.acceptedNames = names
    set_condition(crd, conflict or _said(NAMES_ACCEPTED, "NoConflicts", "no conflicts found"), now)
    if not is_true(crd, ESTABLISHED):
        established = _said(
            ESTABLISHED, "InitialNamesAccepted", "the initial names have been accepted"
        )
        if conflict is not None:
            established = _said(
                ESTABLISHED, "NotAccepted", "not all names are accepted", status="False"
            )
        set_condition(crd, established, now)
    if is_protected(crd.spec.group):
        state, reason = approval(crd.metadata.annotations)
        status, word = _APPROVALS[state]
        set_condition(crd, _said(API_APPROVED, word, reason, status=status), now)


def same_conditions(
    crd: CustomResourceDefinition,
    conditions: list[CustomResourceDefinitionCondition],
    names: CustomResourceDefinitionNames,
) -> bool:
    """Whether the status says what it said before."""
    return crd.status.acceptedNames == names and crd.status.conditions == conditions


def _said(
    type_: str, reason: str, message: str, *, status: str = "True"
) -> CustomResourceDefinitionCondition:
    return CustomResourceDefinitionCondition(
        type=type_, status=status, reason=reason, message=message
    )


def _accepted(
    crd: CustomResourceDefinition, taken: Sequence[CustomResourceDefinitionNames]
) -> tuple[CustomResourceDefinitionNames, CustomResourceDefinitionCondition | None]:
    """The names that it gets, those it has kept where a new one is taken; the last conflict."""
    wanted, names = crd.spec.names, msgspec.structs.replace(crd.status.acceptedNames)
    resources = {n for t in taken for n in (t.plural, t.singular, *t.shortNames)}
    kinds = {n for t in taken for n in (t.kind, t.listKind)}
    conflict = None
    for field, used in (
        ("plural", resources),
        ("singular", resources),
        ("shortNames", resources),
        ("kind", kinds),
        ("listKind", kinds),
    ):
        new, old = getattr(wanted, field), getattr(names, field)
        problems = _problems(new, old, used)
        if not problems:
            setattr(names, field, new)
            continue
        reason = f"{field[0].upper()}{field[1:]}Conflict"
        conflict = _said(NAMES_ACCEPTED, reason, problems, status="False")
    names.categories = wanted.categories
    return names, conflict


def _problems(new: str | list[str], old: str | list[str], used: set[str]) -> str:
    """Which of the new names are taken by others; "" if none is."""
    if isinstance(new, str):
        return f"{quote(new)} is already in use" if new != old and new in used else ""
    found = list(dict.fromkeys(n for n in new if n not in old and n in used))
    texts = [f"{quote(name)} is already in use" for name in found]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]" if texts else ""
