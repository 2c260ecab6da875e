"""The rules of PodCertificateRequests (``pkg/apis/certificates/validation``)."""

from __future__ import annotations

from collections.abc import Mapping

from strongroom.api.errors import FieldError
from strongroom.api.validation import (
    Path,
    dns_subdomain,
    invalid_value,
    qualified_name,
    required,
    too_long,
    validate_annotations,
)
from strongroom.resources.certificates import CertificateReader
from strongroom.resources.podcertificaterequest_object import (
    PodCertificateRequest,
    PodCertificateRequestSpec,
)
from strongroom.resources.signer_names import is_kubernetes_signer, signer_name_errors

SHORTEST = 3600
"""Seconds of the shortest certificate that a pod is given."""
LONGEST, LONGEST_OF_KUBERNETES = 91 * 86400, 86400
LARGEST_REQUEST = 10 * 1024

_SPEC = Path("spec")
_LONGEST_UID = 128
_OMITTED = "<value omitted>"


def request_errors(obj: PodCertificateRequest, read: CertificateReader) -> list[FieldError]:
    """All findings on a new request."""
    spec = obj.spec
    errors = signer_name_errors(_SPEC / "signerName", spec.signerName)
    where = _SPEC / "unverifiedUserAnnotations"
    errors += user_annotation_errors(spec.unverifiedUserAnnotations, where)
    errors += _whose(spec)
    if spec.maxExpirationSeconds is None:
        return [*errors, required(_SPEC / "maxExpirationSeconds", "must be set")]
    where = _SPEC / "maxExpirationSeconds"
    errors += life_errors(spec.maxExpirationSeconds, spec.signerName, where)
    return errors + _stub_errors(spec.stubPKCS10Request, read)


def life_errors(seconds: int, signer: str, path: Path) -> list[FieldError]:
    """Whether a signer may be asked for a certificate that lasts so long."""
    longest = LONGEST_OF_KUBERNETES if is_kubernetes_signer(signer) else LONGEST
    if SHORTEST <= seconds <= longest:
        return []
    return [invalid_value(path, seconds, f"must be in the range [{SHORTEST}, {longest}]")]


def user_annotation_errors(annotations: Mapping[str, str], path: Path) -> list[FieldError]:
    """All findings on what a pod's author tells a signer; values are free and never printed."""
    errors = validate_annotations(annotations, path)
    for key in sorted(annotations):
        found = [invalid_value(path, key, text) for text in qualified_name(key)]
        if not found and "/" not in key:
            text = 'must be a domain-prefixed key (such as "acme.io/foo")'
            found = [invalid_value(path, key, text)]
        errors += [finding for finding in found if finding not in errors]
    return errors


def _whose(spec: PodCertificateRequestSpec) -> list[FieldError]:
    """Findings on the pod, its account and its node."""
    errors = []
    for what in ("pod", "serviceAccount", "node"):
        name, uid = getattr(spec, f"{what}Name"), getattr(spec, f"{what}UID")
        errors += [invalid_value(_SPEC / f"{what}Name", name, text) for text in dns_subdomain(name)]
        if not uid:
            errors.append(invalid_value(_SPEC / f"{what}UID", uid, "must not be empty"))
        if len(uid.encode()) > _LONGEST_UID:
            errors.append(too_long(_SPEC / f"{what}UID", _LONGEST_UID))
    return errors


def _stub_errors(stub: bytes, read: CertificateReader) -> list[FieldError]:
    path = _SPEC / "stubPKCS10Request"
    if not stub:
        return [required(path)]
    if len(stub) > LARGEST_REQUEST:
        return [too_long(path, LARGEST_REQUEST)]
    problem = read.stub_problem(stub)
    return [invalid_value(path, _OMITTED, problem)] if problem else []
