"""What a request wants, read from its method and URL alone.

The rules are upstream's RequestInfo (``k8s.io/apiserver/pkg/endpoints/request/requestinfo.go``),
because authorization depends on them: a path must mean the same to the authorizer and to the
registry. Paths that could mean two things (dot segments, empty segments, encoded slashes) are
refused before anybody looks at them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import parse_qs, unquote_to_bytes

from strongroom.access.user import Attributes, User
from strongroom.api.errors import StatusError, bad_request
from strongroom.api.selectors import FieldSelector

Query = dict[str, list[str]]

MAX_QUERY_FIELDS = 1000

_VERBS = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_SELECTING = frozenset({"list", "watch", "deletecollection"})
_NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})
_LEGACY_WATCH = "watch"


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed URL. For a path that is no resource only ``verb``, ``path`` and ``query`` count."""

    verb: str
    path: str
    query: Query
    is_resource: bool = False
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    extra: tuple[str, ...] = ()
    """Path segments after the subresource; no kind of ours has any."""
    legacy: bool = False
    """Whether the path itself says ``watch``, as of old."""
    lasting: bool = False
    """Whether equal requests share this object, so that it pays to keep what is made of it."""

    def attributes(self, user: User) -> Attributes:
        """What authorization is asked about.

        Selectors only where the verb goes by them: on others they would be words without effect,
        by which whoever may see what is selected came to see anything.
        """
        selects = self.verb in _SELECTING and not self.legacy
        return Attributes(
            user=user,
            verb=self.verb,
            path=self.path,
            is_resource=self.is_resource,
            group=self.group,
            version=self.version,
            resource=self.resource,
            subresource=self.subresource,
            namespace=self.namespace,
            name=self.name,
            label_selector=self.first("labelSelector") if selects else "",
            field_selector=self.first("fieldSelector") if selects else "",
        )

    def first(self, parameter: str) -> str:
        """The first value of a query parameter; "" when it is missing."""
        values = self.query.get(parameter)
        return values[0] if values else ""


_KEPT_LENGTH = 512
"""Longest URL whose reading is kept: long ones would let anybody fill the memory with them."""


def parse_target(method: str, raw_path: bytes, query_string: bytes) -> Target:
    """Read method, undecoded path and query. Raises StatusError 400 for paths with two meanings.

    Pure, so the newest results are kept: clients ask for the same few paths over and over. The
    result is shared; nobody may change its query.
    """
    if len(raw_path) + len(query_string) > _KEPT_LENGTH:
        return _parse(method, raw_path, query_string)
    return _parse_kept(method, raw_path, query_string)


@lru_cache(maxsize=2048)
def _parse_kept(method: str, raw_path: bytes, query_string: bytes) -> Target:
    return replace(_parse(method, raw_path, query_string), lasting=True)


def _parse(method: str, raw_path: bytes, query_string: bytes) -> Target:
    segments = _segments(raw_path)
    query = _query(query_string)
    path = "/" + "/".join(segments)
    start = _resource_start(segments)
    if start is None:
        return Target(verb=method.lower(), path=path, query=query)
    return _resource_target(method, path, segments, start, query)


def _segments(raw_path: bytes) -> list[str]:
    """The decoded path segments, without a trailing slash."""
    if not raw_path.startswith(b"/"):
        raise _bad_path()
    parts = raw_path[1:].split(b"/")
    if parts[-1] == b"":
        parts.pop()
    return [_segment(part) for part in parts]


def _segment(raw: bytes) -> str:
    try:
        text = (unquote_to_bytes(raw) if b"%" in raw else raw).decode()
    except UnicodeDecodeError:
        raise _bad_path() from None
    # A decoded segment with a slash, or a dot segment, is a path within a path.
    if text in ("", ".", "..") or "/" in text or "\\" in text or not text.isprintable():
        raise _bad_path()
    return text


def _bad_path() -> StatusError:
    return bad_request("the request path is not valid")


def _query(query_string: bytes) -> Query:
    if not query_string:
        return {}
    try:
        return parse_qs(
            query_string.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MAX_QUERY_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise bad_request("the request query is not valid") from None


def _resource_start(segments: list[str]) -> int | None:
    """Index of the version segment of a resource path; None for any other path."""
    if len(segments) >= 3 and segments[0] == "api":
        return 1
    if len(segments) >= 4 and segments[0] == "apis":
        return 2
    return None


def _resource_target(
    method: str, path: str, segments: list[str], start: int, query: Query
) -> Target:
    verb = _VERBS.get(method, "")
    parts = segments[start + 1 :]
    legacy = parts[0] == _LEGACY_WATCH and len(parts) > 1
    if legacy:
        verb, parts = "watch", parts[1:]
    namespace, parts = _namespace(parts)
    name = parts[1] if len(parts) > 1 else ""
    if not name and verb == "get":
        verb = "watch" if flag(query, "watch") else "list"
    if not name and verb in ("list", "watch"):
        name = _selected_name(query)
    if not name and verb == "delete":
        verb = "deletecollection"
    return Target(
        verb=verb,
        path=path,
        query=query,
        is_resource=True,
        group=segments[1] if start == 2 else "",
        version=segments[start],
        resource=parts[0],
        subresource=parts[2] if len(parts) > 2 else "",
        namespace=namespace,
        name=name,
        extra=tuple(parts[3:]),
        legacy=legacy,
    )


def _namespace(parts: list[str]) -> tuple[str, list[str]]:
    """The namespace, and the parts from the resource on.

    ``namespaces/x`` is the object x, in the namespace x; ``namespaces/x/secrets`` is within it.
    """
    if parts[0] != "namespaces" or len(parts) < 2:
        return "", parts
    if len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
        return parts[1], parts[2:]
    return parts[1], parts


def flag(query: Query, parameter: str) -> bool:
    """A boolean parameter as upstream reads it: there, and neither ``false`` nor ``0``."""
    values = query.get(parameter)
    return values is not None and values[0].lower() not in ("false", "0")


def _selected_name(query: Query) -> str:
    """The one name that a field selector allows, so that rights on a single object suffice.

    Read by the same parser that selects the objects: else a selector could name one object here
    and mean all of them there.
    """
    text = query.get("fieldSelector", [""])[0]
    if "metadata.name" not in text:
        return ""
    try:
        name = FieldSelector.parse(text).requires_exact("metadata.name") or ""
    except StatusError:
        # The verb will refuse it, in its own words, once the request is authorized.
        return ""
    return name if name not in (".", "..") and "/" not in name and "%" not in name else ""
