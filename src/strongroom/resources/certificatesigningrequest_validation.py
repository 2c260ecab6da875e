"""The rules of CertificateSigningRequests (``pkg/apis/certificates/validation``).

What a stored request already has wrong is let pass in updates, so that old data stays usable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from strongroom.api.errors import FieldError
from strongroom.api.gotext import quote
from strongroom.api.validation import (
    Path,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from strongroom.resources import pem
from strongroom.resources.certificates import CertificateReader
from strongroom.resources.certificatesigningrequest_object import (
    APPROVED,
    DENIED,
    FAILED,
    USAGES,
    CertificateSigningRequest,
)
from strongroom.resources.signer_names import LEGACY_UNKNOWN, signer_name_errors

SHORTEST = 600
"""Seconds: twice the time by which certificates are dated back."""

_SPEC = Path("spec")
_CONDITIONS = Path("status") / "conditions"
_CERTIFICATE = Path("status") / "certificate"
_DECISIONS = (APPROVED, DENIED, FAILED)
_ONE_OF_TWO = "Approved and Denied conditions are mutually exclusive"
_TOO_SHORT = "may not specify a duration less than 600 seconds (10 minutes)"
_LEGACY = "the legacy signerName is not allowed via this API version"


def request_errors(
    new: CertificateSigningRequest, old: CertificateSigningRequest | None, read: CertificateReader
) -> list[FieldError]:
    """All findings on a request; ``old`` is the stored one in updates."""
    spec, errors = new.spec, []
    if problem := _request_problem(spec.request, read):
        errors.append(invalid_value(_SPEC / "request", spec.request, problem))
    errors += _usage_errors(spec.usages, old.spec.usages if old else [])
    legacy = old is not None and old.spec.signerName == LEGACY_UNKNOWN
    if spec.signerName == LEGACY_UNKNOWN and not legacy:
        errors.append(invalid_value(_SPEC / "signerName", spec.signerName, _LEGACY))
    else:
        errors += signer_name_errors(_SPEC / "signerName", spec.signerName)
    if spec.expirationSeconds is not None and spec.expirationSeconds < SHORTEST:
        where = _SPEC / "expirationSeconds"
        errors.append(invalid_value(where, spec.expirationSeconds, _TOO_SHORT))
    errors += _condition_errors(new, old)
    problem = _certificate_problem(new.status.certificate, read)
    if problem and not _certificate_excused(new, old, read):
        errors.append(invalid_value(_CERTIFICATE, "<certificate data>", problem))
    return errors


def update_errors(
    new: CertificateSigningRequest,
    old: CertificateSigningRequest,
    read: CertificateReader,
    *,
    decides: bool = False,
    issues: bool = False,
) -> list[FieldError]:
    """All findings on a change by a path that ``decides`` (approval) or ``issues`` (status)."""
    errors = request_errors(new, old, read)
    for type_ in _DECISIONS:
        before, after = _count(old, type_), _count(new, type_)
        if after < before:
            text = f"updates may not remove a condition of type {quote(type_)}"
            errors.append(forbidden_field(_CONDITIONS, text))
        elif after > before and not decides and type_ != FAILED:
            text = f"updates may not add a condition of type {quote(type_)}"
            errors.append(forbidden_field(_CONDITIONS, text))
    if new.status.certificate != old.status.certificate:
        if not issues:
            text = "updates may not set certificate content"
            errors.append(forbidden_field(_CERTIFICATE, text))
        elif old.status.certificate:
            text = "updates may not modify existing certificate content"
            errors.append(forbidden_field(_CERTIFICATE, text))
    return errors


def _request_problem(text: bytes, read: CertificateReader) -> str:
    block = pem.first(text)
    if block is None or block.type != pem.CERTIFICATE_REQUEST:
        return "PEM block type must be CERTIFICATE REQUEST"
    return read.request_problem(block.content)


def _usage_errors(usages: list[str], before: list[str]) -> list[FieldError]:
    path = _SPEC / "usages"
    errors = [] if usages else [required(path)]
    if set(before) <= set(USAGES):
        for index, usage in enumerate(usages):
            if usage not in USAGES:
                errors.append(not_supported(path.index(index), usage, USAGES))
    if len(set(before)) == len(before):
        seen = set[str]()
        for index, usage in enumerate(usages):
            if usage in seen:
                errors.append(duplicate(path.index(index), usage))
            seen.add(usage)
    return errors


def _condition_errors(
    new: CertificateSigningRequest, old: CertificateSigningRequest | None
) -> list[FieldError]:
    known = Counter(c.type for c in old.status.conditions) if old else Counter[str]()
    both = bool(known[APPROVED] and known[DENIED])
    repeated = any(count > 1 for count in known.values())
    errors, seen = [], set[str]()
    for index, condition in enumerate(new.status.conditions):
        path, type_ = _CONDITIONS.index(index), condition.type
        if not type_ and not known[""]:
            errors.append(required(path / "type"))
        errors += _status_errors(path / "status", type_, condition.status)
        opposite = {APPROVED: DENIED, DENIED: APPROVED}.get(type_)
        if opposite in seen and not both:
            errors.append(invalid_value(_CONDITIONS, type_, _ONE_OF_TWO))
        if type_ in seen and not repeated:
            errors.append(duplicate(path / "type", type_))
        seen.add(type_)
    return errors


def _status_errors(path: Path, type_: str, status: str) -> list[FieldError]:
    if not status:
        return [required(path)]
    allowed: Iterable[str] = ("True",) if type_ in _DECISIONS else ("False", "True", "Unknown")
    return [] if status in allowed else [not_supported(path, status, allowed)]


def _count(request: CertificateSigningRequest, type_: str) -> int:
    return sum(c.type == type_ for c in request.status.conditions)


def _certificate_excused(
    new: CertificateSigningRequest, old: CertificateSigningRequest | None, read: CertificateReader
) -> bool:
    """Whether the stored one is no better, or not changed."""
    if old is None:
        return False
    same = new.status.certificate == old.status.certificate
    return same or bool(_certificate_problem(old.status.certificate, read))


def _certificate_problem(text: bytes, read: CertificateReader) -> str:
    if not text:
        return ""
    found = False
    for block in pem.blocks(text):
        found = True
        if block.type != pem.CERTIFICATE:
            return f"only CERTIFICATE PEM blocks are allowed, found {quote(block.type)}"
        if block.headers:
            return "no PEM block headers are permitted"
        if problem := read.certificates_problem(block.content):
            return problem
    return "" if found else "must contain at least one CERTIFICATE PEM block"
