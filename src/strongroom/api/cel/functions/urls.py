"""``url(string)`` and its parts, ``isURL``.

Source: ``k8s.io/apiserver/pkg/cel/library/urls.go``.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from strongroom.api.cel.errors import CelError
from strongroom.api.cel.overloads import function, method
from strongroom.api.cel.values import Opaque

_URL = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?"
    r"(?://(?P<authority>[^/?#]*))?(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?\Z",
    re.DOTALL,
)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]:\s<>\"\\^`{|}]*)(?::(\d*))?\Z")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PATH_CHARACTERS = "/$&+,:;=@!'()*~-._"


class Url(Opaque):
    """An absolute URL, or an absolute path."""

    __slots__ = ("host", "path", "query", "scheme")
    type_name = "kubernetes.URL"

    def __init__(self, scheme: str, host: str, path: str, query: str) -> None:
        self.scheme = scheme
        self.host = host
        self.path = path
        self.query = query

    def equals(self, other: Any) -> bool:
        """Whether all parts are equal."""
        mine = (self.scheme, self.host, self.path, self.query)
        return mine == (other.scheme, other.host, other.path, other.query)

    def hostname(self) -> str:
        """The host without port and brackets."""
        if self.host.startswith("["):
            return self.host[1:].partition("]")[0]
        return self.host.partition(":")[0]

    def port(self) -> str:
        """The port, "" without one."""
        found = _HOST.match(self.host)
        return (found.group(1) or "") if found else ""


def parse_url(text: str) -> Url | None:
    """The parts of an absolute URL or path, as Go's ``ParseRequestURI`` accepts; None otherwise."""
    found = _URL.match(text)
    if not text or _CONTROL.search(text) or found is None:
        return None
    scheme, authority, path = found.group("scheme"), found.group("authority"), found.group("path")
    host = (authority or "").rpartition("@")[2]
    if scheme is None and not text.startswith("/"):
        return None
    if not _HOST.match(host) or _BAD_ESCAPE.search(path) or _BAD_ESCAPE.search(host):
        return None
    if scheme is not None and authority is None and not path.startswith("/"):
        path = ""
    return Url((scheme or "").lower(), unquote(host), path, found.group("query") or "")


def _url(text: str) -> Url:
    parsed = parse_url(text)
    if parsed is None:
        raise CelError("URL parse error during conversion from string: invalid URI for request")
    return parsed


def _escaped_path(url: Url) -> str:
    if re.fullmatch(r"[A-Za-z0-9$&+,/:;=@!'()*~\-._\[\]%]*", url.path):
        return url.path
    return quote(unquote(url.path), safe=_PATH_CHARACTERS)


def _query(url: Url) -> dict[str, list[str]]:
    return parse_qs(url.query, keep_blank_values=True)


_TYPE = Url.type_name

FUNCTIONS = (
    function("url", f"string -> {_TYPE}", _url),
    function("isURL", "string -> bool", lambda text: parse_url(text) is not None),
    method("getScheme", f"{_TYPE} -> string", lambda url: url.scheme),
    method("getHost", f"{_TYPE} -> string", lambda url: url.host),
    method("getHostname", f"{_TYPE} -> string", Url.hostname),
    method("getPort", f"{_TYPE} -> string", Url.port),
    method("getEscapedPath", f"{_TYPE} -> string", _escaped_path),
    method("getQuery", f"{_TYPE} -> map<string,list<string>>", _query),
)
