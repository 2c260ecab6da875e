"""Formats of texts that a schema can ask for (``k8s.io/kube-openapi/pkg/validation/strfmt``).

Formats that are not named here are ignored, as upstream does. All checks take linear time.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from datetime import date
from email.utils import parseaddr
from urllib.parse import urlsplit

from strongroom.api.regexps import compile_pattern

Check = Callable[[str], bool]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"(\d{2}):(\d{2}):(\d{2})(.[0-9]+)?(z|[+-]\d{2}:\d{2})", re.ASCII)
_GO_DURATION = re.compile(r"[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
_SCALA_DURATION = re.compile(r"([0-9]+)\s*([A-Za-zµ]+)")
_UNITS = ("ns", "us", "µs", "ms", "s", "sec", "m", "min", "h", "hr", "d", "w", "wk")
_UNIT_STARTS = ("nano", "micro", "milli", "sec", "min", "hour", "day", "week")
_MAC = re.compile(
    r"[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(\1[0-9A-Fa-f]{2}){4}((\1[0-9A-Fa-f]{2}){2}"
    r"|(\1[0-9A-Fa-f]{2}){14})?|[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){2}((\.[0-9A-Fa-f]{4})"
    r"|(\.[0-9A-Fa-f]{4}){7})?",
    re.ASCII,
)
_CARD = (
    r"^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}"
    r"|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$"
)
_CHANNEL = r"\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*"
_NAME = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"


def _matches(pattern: str, limit: int | None = None) -> Check:
    fits = compile_pattern(pattern).matches
    return lambda text: (limit is None or len(text.encode()) <= limit) and fits(text)


def _uuid(third: str, fourth: str) -> Check:
    return _matches(rf"(?i)^[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{third}-?{fourth}-?[0-9a-f]{{12}}$")


_ANY4 = "[0-9a-f]{4}"
_is_card_text = compile_pattern(_CARD).matches
_is_ssn_text = compile_pattern(r"^\d{3}[- ]?\d{2}[- ]?\d{4}$").matches


def is_date(text: str) -> bool:
    """A day as ``2006-01-02``."""
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        # Go's calendar has a year 0, which is a leap year.
        return text.startswith("0000") and is_date("2000" + text[4:])
    return True


def is_date_time(text: str) -> bool:
    """A moment, in the way of RFC 3339 as go-openapi reads it."""
    day, _, rest = text.lower().partition("t")
    match = _TIME.fullmatch(rest.split("t", 1)[0])
    if match is None or not is_date(day):
        return False
    return match[1] <= "23" and match[2] <= "59" and match[3] <= "59"


def is_duration(text: str) -> bool:
    """A duration as Go writes it (``1h30m``), or in words (``2 hours``)."""
    if _GO_DURATION.fullmatch(text):
        return True
    units = [unit.lower() for _, unit in _SCALA_DURATION.findall(text)]
    return any(unit in _UNITS or unit.startswith(_UNIT_STARTS) for unit in units)


def _is_uri(text: str) -> bool:
    if not text or any(c <= " " or c == "\x7f" for c in text):
        return False
    if text.startswith("/"):
        return True
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return bool(parts.scheme) and (bool(parts.netloc or parts.path) or text.endswith("://"))


def _is_email(text: str) -> bool:
    address = parseaddr(text)[1]
    local, at, domain = address.rpartition("@")
    return bool(at and local and domain) and "\n" not in text


def _is_hostname(text: str) -> bool:
    """One label, or several of which the last has letters only; symbols are letters, too."""
    *labels, last = text.split(".")
    if len(text.encode()) > 255 or any(len(part.encode()) > 63 for part in (*labels, last)):
        return False
    if not labels:
        first, rest = last[:1], last[1:].removeprefix("-")
        return _is_host_text(first) and (not rest or _is_host_text(rest))
    if len(last) < 2 or not all(unicodedata.category(c)[0] == "L" for c in last):
        return False
    return all(
        _is_host_text(label[:1]) and _is_host_text(label[-1:]) and _is_host_text(label, "-")
        for label in labels
    )


def _is_host_text(text: str, also: str = "") -> bool:
    return bool(text) and all(
        c in also or (c.isascii() and c.isalnum()) or unicodedata.category(c)[0] in "LS"
        for c in text
    )


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(".".join(part.lstrip("0") or "0" for part in text.split(".")))
    except ValueError:
        return "." in text and _is_ipv6(text)
    return all(part.isascii() and part.isdigit() for part in text.split("."))


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.IPv6Address(text).scope_id is None
    except ValueError:
        return False


def _is_cidr(text: str) -> bool:
    address, slash, length = text.partition("/")
    if not slash or not (length.isascii() and length.isdigit() and len(length) < 4):
        return False
    if ":" in address:
        return _is_ipv6(address) and int(length) <= 128
    return _is_ipv4(address) and int(length) <= 32


def _is_card(text: str) -> bool:
    digits = "".join(c for c in text if c in "0123456789")
    if not _is_card_text(digits):
        return False
    doubled = [int(c) * (1 + at % 2) for at, c in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def _is_isbn10(text: str) -> bool:
    digits = re.sub(r"[\s-]+", "", text)
    if not re.fullmatch(r"[0-9]{9}[0-9X]", digits):
        return False
    values = [10 if c == "X" else int(c) for c in digits]
    return sum(at * value for at, value in enumerate(values, 1)) % 11 == 0


def _is_isbn13(text: str) -> bool:
    digits = re.sub(r"[\s-]+", "", text)
    if not re.fullmatch(r"[0-9]{13}", digits):
        return False
    return sum(int(c) * (1 + 2 * (at % 2)) for at, c in enumerate(digits)) % 10 == 0


def _is_object_id(text: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{24}", text) is not None


FORMATS: dict[str, Check] = {
    "bsonobjectid": _is_object_id,
    "uri": _is_uri,
    "email": _is_email,
    "hostname": _is_hostname,
    "ipv4": _is_ipv4,
    "ipv6": _is_ipv6,
    "cidr": _is_cidr,
    "mac": lambda text: _MAC.fullmatch(text) is not None,
    "uuid": _uuid(_ANY4, _ANY4),
    "uuid3": _uuid("3[0-9a-f]{3}", _ANY4),
    "uuid4": _uuid("4[0-9a-f]{3}", "[89ab][0-9a-f]{3}"),
    "uuid5": _uuid("5[0-9a-f]{3}", "[89ab][0-9a-f]{3}"),
    "isbn": lambda text: _is_isbn10(text) or _is_isbn13(text),
    "isbn10": _is_isbn10,
    "isbn13": _is_isbn13,
    "creditcard": _is_card,
    "ssn": lambda text: len(text) == 11 and _is_ssn_text(text),
    "hexcolor": _matches("^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"),
    "rgbcolor": _matches(rf"^rgb\({_CHANNEL},{_CHANNEL},{_CHANNEL}\)$"),
    "byte": _matches(
        "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$"
    ),
    "password": lambda text: True,
    "date": is_date,
    "duration": is_duration,
    "datetime": is_date_time,
    "k8sshortname": _matches(f"^{_NAME}$", 63),
    "k8slongname": _matches(rf"^{_NAME}(\.{_NAME})*$", 253),
}


def effective(type_: str, format_: str) -> str:
    """The format if it says anything for the type, else nothing."""
    if type_ == "integer":
        return format_ if format_ in ("int32", "int64") else ""
    if type_ == "number":
        return format_ if format_ in ("float", "double") else ""
    if type_ not in ("", "string"):
        return ""
    return format_ if format_.replace("-", "") in FORMATS else ""


def check_of(format_: str) -> Check | None:
    """The check of a format of texts, if there is one."""
    return FORMATS.get(format_.replace("-", ""))
