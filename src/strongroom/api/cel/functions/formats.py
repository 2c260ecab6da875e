"""``format.dns1123Label()`` and its kin, which say what is wrong with a text.

Source: ``k8s.io/apiserver/pkg/cel/library/format.go``.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import date

from strongroom.api import names
from strongroom.api.cel.errors import CelError
from strongroom.api.cel.functions.times import parse_timestamp
from strongroom.api.cel.functions.urls import parse_url
from strongroom.api.cel.overloads import Overload, function, method
from strongroom.api.cel.values import NONE, Opaque, Optional

_UUID = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\Z", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)


class Format(Opaque):
    """A named form of texts."""

    __slots__ = ("check", "name")
    type_name = "kubernetes.NamedFormat"

    def __init__(self, name: str, check: Callable[[str], list[str]]) -> None:
        self.name = name
        self.check = check


def _uri(text: str) -> list[str]:
    return [] if parse_url(text) is not None else ["invalid URI for request"]


def _uuid(text: str) -> list[str]:
    return [] if _UUID.match(text) else ["does not match the UUID format"]


def _byte(text: str) -> list[str]:
    try:
        b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ["invalid base64"]
    return []


def _date(text: str) -> list[str]:
    try:
        if _DATE.match(text):
            date.fromisoformat(text)
            return []
    except ValueError:
        pass
    return ["invalid date"]


def _datetime(text: str) -> list[str]:
    try:
        parse_timestamp(text)
    except CelError:
        return ["invalid datetime"]
    return []


def _prefix(check: Callable[..., list[str]]) -> Callable[[str], list[str]]:
    return lambda text: check(text, prefix=True)


_FORMATS = {
    "dns1123Label": Format("DNS1123Label", names.dns_label),
    "dns1123Subdomain": Format("DNS1123Subdomain", names.dns_subdomain),
    "dns1035Label": Format("DNS1035Label", names.dns_1035_label),
    "qualifiedName": Format("QualifiedName", names.qualified_name),
    "dns1123LabelPrefix": Format("DNS1123LabelPrefix", _prefix(names.dns_label)),
    "dns1123SubdomainPrefix": Format("DNS1123SubdomainPrefix", _prefix(names.dns_subdomain)),
    "dns1035LabelPrefix": Format("DNS1035LabelPrefix", _prefix(names.dns_1035_label)),
    "labelValue": Format("LabelValue", names.label_value),
    "uri": Format("URI", _uri),
    "uuid": Format("uuid", _uuid),
    "byte": Format("byte", _byte),
    "date": Format("date", _date),
    "datetime": Format("datetime", _datetime),
}


def _named(name: str) -> Optional:
    found = _FORMATS.get(name)
    return NONE if found is None else Optional(found)


def _validate(form: Format, text: str) -> Optional:
    wrong = form.check(text)
    return Optional(wrong) if wrong else NONE


def _constant(name: str, form: Format) -> Overload:
    return function(f"format.{name}", f"-> {_F}", lambda: form)


_F = Format.type_name

FUNCTIONS = (
    *(_constant(name, form) for name, form in _FORMATS.items()),
    function("format.named", f"string -> optional_type<{_F}>", _named),
    method("validate", f"{_F} string -> optional_type<list<string>>", _validate),
)
