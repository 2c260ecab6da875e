"""The rules of request options (``k8s.io/apimachinery/pkg/apis/meta/v1/validation``).

Import these names from :mod:`strongroom.api.validation`.
"""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.api.errors import FieldError
from strongroom.api.findings import (
    Path,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from strongroom.api.meta import DeleteOptions
from strongroom.api.meta_validation import validate_field_manager

_PROPAGATIONS = ("Foreground", "Background", "Orphan")


def validate_write_options(
    dry_run: Sequence[str] = (), field_manager: str = "", field_validation: str = ""
) -> list[FieldError]:
    """All findings on the query of a create or update."""
    found = validate_field_manager(field_manager, Path("fieldManager"))
    found += _validate_dry_run(dry_run)
    if field_validation not in ("", "Ignore", "Warn", "Strict"):
        allowed = ("", "Ignore", "Strict", "Warn")
        found.append(not_supported(Path("fieldValidation"), field_validation, allowed))
    return found


def validate_patch_options(
    dry_run: Sequence[str] = (),
    field_manager: str = "",
    field_validation: str = "",
    *,
    force: bool | None = None,
    apply: bool = False,
) -> list[FieldError]:
    """All findings on the query of a patch; ``apply`` marks server-side apply."""
    found = []
    if apply and not field_manager:
        found.append(required(Path("fieldManager"), "is required for apply patch"))
    if not apply and force is not None:
        detail = "may not be specified for non-apply patch"
        found.append(forbidden_field(Path("force"), detail))
    return found + validate_write_options(dry_run, field_manager, field_validation)


def validate_delete_options(options: DeleteOptions) -> list[FieldError]:
    """All findings on the options of a delete."""
    found = []
    policy = options.propagationPolicy
    where = Path("propagationPolicy")
    if options.orphanDependents is not None and policy is not None:
        detail = "orphanDependents and deletionPropagation cannot be both set"
        found.append(invalid_value(where, policy, detail))
    if policy is not None and policy not in _PROPAGATIONS:
        found.append(not_supported(where, policy, (*_PROPAGATIONS, "nil")))
    found += _validate_dry_run(options.dryRun)
    if options.ignoreStoreReadErrorWithClusterBreakingPotential:
        unsafe = Path("ignoreStoreReadErrorWithClusterBreakingPotential")
        for name in (
            "propagationPolicy",
            "orphanDependents",
            "gracePeriodSeconds",
            "preconditions",
        ):
            if getattr(options, name) is not None:
                detail = f"cannot be set together with .{name}"
                found.append(invalid_value(unsafe, True, detail))
    return found


def _validate_dry_run(dry_run: Sequence[str]) -> list[FieldError]:
    if set(dry_run) <= {"All"}:
        return []
    return [not_supported(Path("dryRun"), list(dry_run), ("All",))]
