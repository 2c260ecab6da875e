"""When a Secret's values expire, when they are due to change, and since when they are the same.

Times come from what people say in annotations and from what values say of themselves: certificates,
JSON Web Tokens, bootstrap tokens. Nothing is verified, and no text made here holds a value.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from strongroom.api.meta import ObjectMeta
from strongroom.api.table import human_duration
from strongroom.api.times import parse_time
from strongroom.api.validation import Path
from strongroom.resources.certificate_times import end_of
from strongroom.resources.secret import BOOTSTRAP_TOKEN, Secret
from strongroom.resources.strongroom_annotations import EXPIRES_AT, ROTATE_AFTER

OLD = timedelta(days=90)
"""Age at which a value that nobody said more of counts as old."""
SOON = timedelta(days=30)
"""Time before its end from which on a Secret counts as expiring."""
SOON_USED = timedelta(days=7)
"""Time before its end from which on those are warned who use a Secret anew."""

_ANNOTATIONS = Path("metadata") / "annotations"
_DATA = Path("data")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_SPAN = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?(?:d|h|m|s|ms))+", re.ASCII)
_PART = re.compile(r"([\d.]+)(ms|[dhms])", re.ASCII)
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_LONGEST_TOKEN = 64 * 1024
_TOKEN = re.compile(rb"(eyJ[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*")


class _Header(msgspec.Struct):
    alg: str


class _Claims(msgspec.Struct):
    exp: float | None = None


_headers = msgspec.json.Decoder(_Header)
_claims = msgspec.json.Decoder(_Claims)


@dataclass(frozen=True, slots=True)
class Expiry:
    """An end: when, of what (``certificate``, ``token``, …), and which field says so."""

    at: datetime
    what: str
    path: str

    def told(self, now: datetime) -> str:
        """The end in words: ``expired 3d ago (certificate, data[tls.crt])``."""
        seconds = (self.at - now).total_seconds()
        span = human_duration(abs(seconds))
        when = f"expires in {span}" if seconds > 0 else f"expired {span} ago"
        return f"{when} ({self.what}, {self.path})"


@dataclass(frozen=True, slots=True)
class Facts:
    """The times of one Secret; nothing of its values."""

    changed: datetime
    """When a value last changed, as far as can be known: see :func:`changed_at`."""
    annotated: Expiry | None = None
    """The end that people have told, if any."""
    of_values: Expiry | None = None
    """The earliest end that a value tells of itself, if any does."""
    rotate_after: timedelta | None = None

    @property
    def expiry(self) -> Expiry | None:
        """The earliest end, if there is one."""
        told, own = self.annotated, self.of_values
        if told is None or own is None:
            return told or own
        return min(told, own, key=_at)

    @property
    def due(self) -> datetime | None:
        """From when on the value should be replaced by a new one."""
        if self.rotate_after is None:
            return None
        try:
            return self.changed + self.rotate_after
        except OverflowError:
            return None  # After the last year that there is.

    def expired(self, now: datetime) -> bool:
        """Whether the value is of no use any more."""
        return self.expiry is not None and self.expiry.at <= now

    def expires_within(self, now: datetime, span: timedelta) -> bool:
        """Whether the value is, or soon will be, of no use any more."""
        return self.expiry is not None and self.expiry.at - now <= span

    def age(self, now: datetime) -> timedelta:
        """How long the value has been the same."""
        return max(now - self.changed, timedelta())


def conditions(facts: Facts, now: datetime) -> list[str]:
    """What people should know, in a few words each; nothing when all is well.

    A value that somebody has said when to replace is not old before that time.
    """
    found = []
    if facts.expiry is not None and facts.expires_within(now, SOON):
        left = human_duration((facts.expiry.at - now).total_seconds())
        found.append("Expired" if facts.expired(now) else f"Expiring in {left}")
    if facts.due is not None:
        if facts.due <= now:
            found.append("RotationDue")
    elif facts.age(now) >= OLD:
        found.append(f"Old>{OLD.days}d")
    return found


def facts_of(secret: Secret) -> Facts:
    """All that a whole Secret tells of its times. Wrong annotations tell nothing."""
    return _facts(secret.metadata, min(value_expiries(secret), key=_at, default=None))


def expiry_of(secret: Secret) -> Expiry | None:
    """The earliest end that a whole Secret tells, for who asks of no other time."""
    ends = list(value_expiries(secret))
    told = _annotated(secret.metadata)
    return min(ends if told is None else [told, *ends], key=_at, default=None)


def facts_of_metadata(meta: ObjectMeta, of_values: Expiry | None = None) -> Facts:
    """What metadata tells, for those who are not shown the values but may be told their end."""
    return _facts(meta, of_values)


def _facts(meta: ObjectMeta, of_values: Expiry | None) -> Facts:
    return Facts(changed_at(meta), _annotated(meta), of_values, rotate_after(meta.annotations))


def _annotated(meta: ObjectMeta) -> Expiry | None:
    told = expires_at(meta.annotations)
    return None if told is None else Expiry(told, "Secret", str(_ANNOTATIONS.key(EXPIRES_AT)))


def _at(expiry: Expiry) -> datetime:
    return expiry.at


def value_expiries(secret: Secret) -> Iterator[Expiry]:
    """The ends that values tell of themselves."""
    if secret.type == BOOTSTRAP_TOKEN:
        text = secret.data.get("expiration", b"").decode("latin-1")
        if (at := _moment(text)) is not None:
            yield Expiry(at, "bootstrap token", str(_DATA.key("expiration")))
    for key, value in secret.data.items():
        if (at := end_of(value)) is not None:
            yield Expiry(at, "certificate", str(_DATA.key(key)))
        elif (at := token_end(value)) is not None:
            yield Expiry(at, "token", str(_DATA.key(key)))


def token_end(value: bytes) -> datetime | None:
    """``exp`` of a value that is a JSON Web Token (RFC 7519) in its compact form, else None."""
    if len(value) > _LONGEST_TOKEN or not value.startswith(b"eyJ"):
        return None
    found = _TOKEN.fullmatch(value.rstrip())
    if found is None:
        return None
    try:
        _headers.decode(_unpadded(found[1]))
        seconds = _claims.decode(_unpadded(found[2])).exp
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (msgspec.MsgspecError, ValueError, OverflowError, OSError, RecursionError):
        return None


def _unpadded(text: bytes) -> bytes:
    standard = text.translate(bytes.maketrans(b"-_", b"+/"))
    return binascii.a2b_base64(standard + b"=" * (-len(text) % 4))


def changed_at(meta: ObjectMeta) -> datetime:
    """When the values last changed, as the owners of fields tell it; never before the creation.

    The newest entry counts that owns a part of ``data``. A manager that owns other fields too
    renews its entry when it changes those: the answer may be later than the truth, never earlier.
    """
    times = [meta.creationTimestamp]
    for entry in meta.managedFields or ():
        fields = entry.fieldsV1
        if isinstance(fields, dict) and ("f:data" in fields or "f:stringData" in fields):
            times.append(entry.time)
    moments = [at for at in map(_moment, times) if at is not None]
    return max(moments, default=datetime.fromtimestamp(0, UTC))


def expires_at(annotations: dict[str, str]) -> datetime | None:
    """The end that the annotation tells; None when there is none, or none that can be read."""
    text = annotations.get(EXPIRES_AT)
    return None if text is None else _moment(text)


def rotate_after(annotations: dict[str, str]) -> timedelta | None:
    """How long a value may stay; None when nothing says so, or nothing that can be read."""
    text = annotations.get(ROTATE_AFTER, "")
    try:
        return parse_span(text) if text else None
    except ValueError:
        return None


def parse_span(text: str) -> timedelta:
    """Go's form of a duration, with days too (``90d``, ``1d12h``).

    Raises ValueError, whose text does not quote the input, for anything else and for zero.
    """
    if not _SPAN.fullmatch(text):
        raise ValueError("expected a duration such as 90d, 12h or 1h30m")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if not 0 < seconds < timedelta.max.total_seconds():
        raise ValueError("expected a duration above 0 that a calendar can hold")
    return timedelta(seconds=seconds)


def annotation_problems(meta: ObjectMeta) -> list[str]:
    """What is wrong with annotations about expiry: a sentence each, beginning with the path."""
    problems = []
    annotations = meta.annotations
    if EXPIRES_AT in annotations and expires_at(annotations) is None:
        wanted = "must be a time in RFC 3339, such as 2027-01-31T00:00:00Z"
        problems.append(f"{_ANNOTATIONS.key(EXPIRES_AT)}: {wanted}; it is ignored")
    if ROTATE_AFTER in annotations and rotate_after(annotations) is None:
        wanted = "must be a duration such as 90d, 12h or 1h30m"
        problems.append(f"{_ANNOTATIONS.key(ROTATE_AFTER)}: {wanted}; it is ignored")
    return problems


def _moment(text: str) -> datetime | None:
    if not _TIME.fullmatch(text):
        return None
    try:
        return parse_time(text.upper())
    except (ValueError, OverflowError):
        return None
