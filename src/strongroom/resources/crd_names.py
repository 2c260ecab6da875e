"""Rules of a custom kind's names, and of groups that belong to Kubernetes itself."""

from __future__ import annotations

from urllib.parse import urlsplit

from strongroom.api.errors import FieldError
from strongroom.api.gotext import quote
from strongroom.api.validation import Path, dns_1035_label, invalid_value, required
from strongroom.resources.crd_object import CustomResourceDefinition, CustomResourceDefinitionNames

APPROVED = "api-approved.kubernetes.io"
"""Annotation without which no kind is defined in a group of Kubernetes'."""

_MIXED = "may have mixed case, but should otherwise match: "
_SEE = "see https://github.com/kubernetes/enhancements/pull/1111"


def validate_names(names: CustomResourceDefinitionNames, path: Path) -> list[FieldError]:
    """What is wrong with names; missing ones are no findings here."""
    errors = []
    for field in ("plural", "singular", "kind", "listKind"):
        name = getattr(names, field)
        mixed = field.lower().endswith("kind")
        found = dns_1035_label(name.lower() if mixed else name) if name else []
        if found:
            text = (_MIXED if mixed else "") + ",".join(found)
            errors.append(invalid_value(path / field, name, text))
    errors += _labels(names.shortNames, path / "shortNames")
    if names.kind and names.kind == names.listKind:
        text = "kind and listKind may not be the same"
        errors.append(invalid_value(path / "listKind", names.listKind, text))
    return errors + _labels(names.categories, path / "categories")


def required_names(names: CustomResourceDefinitionNames, path: Path) -> list[FieldError]:
    """The names that a definition must have."""
    fields = ("plural", "singular", "kind", "listKind")
    return [required(path / field) for field in fields if not getattr(names, field)]


def _labels(names: list[str], path: Path) -> list[FieldError]:
    return [
        invalid_value(path.index(i), name, ",".join(found))
        for i, name in enumerate(names)
        if (found := dns_1035_label(name))
    ]


def is_protected(group: str) -> bool:
    """Whether the group belongs to Kubernetes."""
    return any(group == own or group.endswith(f".{own}") for own in ("k8s.io", "kubernetes.io"))


def approval(annotations: dict[str, str]) -> tuple[str, str]:
    """Whether a kind is approved (missing, bypassed, approved, invalid), and why it is said."""
    text = annotations.get(APPROVED, "")
    if not text:
        return "missing", f'protected groups must have approval annotation "{APPROVED}", {_SEE}'
    if text.startswith("unapproved"):
        return "bypassed", f"not approved: {quote(text)}"
    if _is_url(text):
        return "approved", f"approved in {text}"
    return "invalid", (
        f'protected groups must have approval annotation "{APPROVED}" with either a URL or a '
        f'reason starting with "unapproved", {_SEE}'
    )


def validate_approval(
    new: CustomResourceDefinition, old: CustomResourceDefinition | None
) -> list[FieldError]:
    """Findings on the annotation of a kind in a protected group; an unchanged state has none."""
    if not is_protected(new.spec.group):
        return []
    state, reason = approval(new.metadata.annotations)
    if old is not None and approval(old.metadata.annotations)[0] == state:
        return []
    path = (Path("metadata") / "annotations").key(APPROVED)
    if state == "missing":
        return [required(path, reason)]
    if state == "invalid":
        return [invalid_value(path, new.metadata.annotations.get(APPROVED, ""), reason)]
    return []


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    return bool(url.scheme and url.netloc)
