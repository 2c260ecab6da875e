"""What signers may write into PodCertificateRequests: one outcome, once, and a fitting certificate.

Source: ``ValidatePodCertificateRequestStatusUpdate`` in ``pkg/apis/certificates/validation``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice

from strongroom.api.conditions import condition_errors
from strongroom.api.errors import FieldError
from strongroom.api.times import parse_time
from strongroom.api.validation import Path, invalid_value, not_supported, required, too_long
from strongroom.resources import pem
from strongroom.resources.certificates import UNREAD, CertificateReader, Leaf
from strongroom.resources.podcertificaterequest_object import (
    DENIED,
    FAILED,
    ISSUED,
    PodCertificateRequest,
    PodCertificateRequestStatus,
)

LARGEST_CHAIN = 100 * 1024
SKEW = timedelta(minutes=5)
"""A certificate begins less than so long before or after the moment it is written."""
MARGIN = timedelta(minutes=10)
"""The next one is asked for so long after the beginning at the earliest, and before the end."""
_SHORTEST = timedelta(hours=1)

_STATUS = Path("status")
_CONDITIONS = _STATUS / "conditions"
_CHAIN = _STATUS / "certificateChain"
_BEGIN, _END, _REFRESH = (_STATUS / name for name in ("notBefore", "notAfter", "beginRefreshAt"))
_OUTCOMES = (ISSUED, DENIED, FAILED)
_ONE = 'There may be at most one condition with type "Issued", "Denied", or "Failed"'
_OVER = "immutable after PodCertificateRequest is issued, denied, or failed"
_MORE = (
    "non-condition status fields must be empty when denying or failing the PodCertificateRequest"
)
_NEITHER = 'status is immutable unless transitioning to "Issued", "Denied", or "Failed"'
_OMITTED = "<value omitted>"


def status_errors(
    new: PodCertificateRequest, old: PodCertificateRequest, read: CertificateReader, now: datetime
) -> list[FieldError]:
    """All findings on a change of the status at this moment."""
    if errors := _condition_errors(new.status):
        return errors
    if old.outcome() is not None:
        return _equal(new.status, old.status, _OVER)
    outcome = new.outcome()
    if outcome is None:
        return _equal(new.status, old.status, _NEITHER)
    if outcome.type != ISSUED:
        bare = PodCertificateRequestStatus(conditions=new.status.conditions)
        return _equal(new.status, bare, _MORE)
    if read is UNREAD:
        return []
    return _issued_errors(new, read, now)


def _equal(
    one: PodCertificateRequestStatus, other: PodCertificateRequestStatus, text: str
) -> list[FieldError]:
    return [] if one == other else [invalid_value(_STATUS, _OMITTED, text)]


def _condition_errors(status: PodCertificateRequestStatus) -> list[FieldError]:
    errors, known = [], 0
    for index, condition in enumerate(status.conditions):
        at = _CONDITIONS.index(index)
        if condition.type not in _OUTCOMES:
            errors.append(not_supported(at / "type", condition.type, _OUTCOMES))
            continue
        known += 1
        if known > 1:
            errors.append(invalid_value(at / "type", condition.type, _ONE))
        if condition.status != "True":
            errors.append(not_supported(at / "status", condition.status, ("True",)))
    return errors + condition_errors(status.conditions, _CONDITIONS)


def _issued_errors(
    new: PodCertificateRequest, read: CertificateReader, now: datetime
) -> list[FieldError]:
    chain = new.status.certificateChain
    if len(chain.encode()) > LARGEST_CHAIN:
        return [too_long(_CHAIN, LARGEST_CHAIN)]
    first = pem.first(chain.encode())
    if first is None:
        return [_wrong(chain, "issued certificate chain must contain at least one certificate")]
    if first.type != pem.CERTIFICATE:
        return [_wrong(chain, _OF_CERTIFICATES)]
    leaf = read.leaf(first.content, new.spec.stubPKCS10Request)
    if leaf is None:
        return [_wrong(chain, "leaf certificate does not parse as valid X.509")]
    errors = _name_errors(leaf)
    if not leaf.as_requested:
        text = "leaf certificate was not issued to the requested public key"
        return [*errors, _wrong(chain, text)]
    errors += _missing(new.status)
    return errors or _time_errors(new, leaf, now) or _rest_errors(chain, read)


_OF_CERTIFICATES = "issued certificate chain must consist entirely of CERTIFICATE PEM blocks"


def _wrong(chain: object, text: str) -> FieldError:
    return invalid_value(_CHAIN, chain, text)


def _name_errors(leaf: Leaf) -> list[FieldError]:
    errors = []
    for name in leaf.dns_names:
        if not name:
            errors.append(_wrong(name, "leaf certificate should not contain empty DNSName"))
        if ".." in name:
            errors.append(_wrong(name, "leaf certificate's DNSName should not contain '..'"))
        if name.startswith(".") or name.endswith("."):
            text = "leaf certificate's DNSName should not start or end with '.'"
            errors.append(_wrong(name, text))
    for address in leaf.emails:
        local, at, host = address.rpartition("@")
        if not (local and at and host) or any(c.isspace() for c in address):
            text = "leaf certificate should not contain invalid EmailAddress"
            errors.append(_wrong(address, text))
    return errors


def _missing(status: PodCertificateRequestStatus) -> list[FieldError]:
    same = "must be present and consistent with the issued certificate"
    within = "must be present and in the range [notbefore+10min, notafter-10min]"
    wanted = (
        (status.notBefore, _BEGIN, same),
        (status.notAfter, _END, same),
        (status.beginRefreshAt, _REFRESH, within),
    )
    return [required(path, text) for value, path, text in wanted if not value]


def _time_errors(new: PodCertificateRequest, leaf: Leaf, now: datetime) -> list[FieldError]:
    status, seconds = new.status, new.spec.maxExpirationSeconds or 0
    begin, end, refresh = (
        parse_time(text) for text in (status.notBefore, status.notAfter, status.beginRefreshAt)
    )
    life = leaf.not_after - leaf.not_before
    at_most = f"leaf certificate lifetime must be <= spec.maxExpirationSeconds ({seconds})"
    rules = (
        (
            begin == leaf.not_before,
            _BEGIN,
            status.notBefore,
            "must be set to the NotBefore time encoded in the leaf certificate",
        ),
        (
            abs(begin - now) < SKEW,
            _BEGIN,
            status.notBefore,
            "must be set to within 5 minutes of kube-apiserver's current time",
        ),
        (
            end == leaf.not_after,
            _END,
            status.notAfter,
            "must be set to the NotAfter time encoded in the leaf certificate",
        ),
        (life >= _SHORTEST, _CHAIN, str(life), "leaf certificate lifetime must be >= 1 hour"),
        (life <= timedelta(seconds=seconds), _CHAIN, str(life), at_most),
        (
            refresh >= begin + MARGIN,
            _REFRESH,
            status.beginRefreshAt,
            "must be at least 10 minutes after status.notBefore",
        ),
        (
            refresh <= end - MARGIN,
            _REFRESH,
            status.beginRefreshAt,
            "must be at least 10 minutes before status.notAfter",
        ),
    )
    return [invalid_value(path, value, text) for ok, path, value, text in rules if not ok][:1]


def _rest_errors(chain: str, read: CertificateReader) -> list[FieldError]:
    for block in islice(pem.blocks(chain.encode()), 1, None):
        if block.type != pem.CERTIFICATE:
            return [_wrong(chain, _OF_CERTIFICATES)]
        if read.certificates_problem(block.content):
            return [_wrong(chain, "intermediate certificate does not parse as valid X.509")]
    return []
