"""What a request's query tells of it: of which part of all Secrets a list was, and dry runs."""

from __future__ import annotations

from hashlib import blake2b
from urllib.parse import parse_qs, urlsplit

from strongroom.api.errors import StatusError
from strongroom.registry.continuation import decode
from strongroom.server.audit.event import CUT

ALL = "*"
"""In place of a name: all Secrets of a namespace, or of all namespaces where there is none."""

_MOST_DIGITS = 9


def listed(uri: str, sent: int) -> str:
    """What a list or watch was of, that sent values of so many: ``*`` for all, else of which part.

    The same part has the same name each time. Without this, pages and selectors would pass for
    the same list again and again, and one short page for a list of everything.
    """
    if "?" not in uri:
        return ALL
    query = _query(uri)
    parts = [query.get(name, [""])[0] for name in ("labelSelector", "fieldSelector")]
    begin, limit = _begin(query.get("continue", [""])[0]), query.get("limit", [""])[0]
    full = limit.isdigit() and 0 < int(limit[:_MOST_DIGITS]) <= sent
    whole = not any(parts) and not begin and not full
    if whole and not uri.endswith(CUT):
        return ALL
    if uri.endswith(CUT):
        parts.append(uri)
    return ALL + blake2b("\0".join((*parts, begin)).encode(), digest_size=8).hexdigest()


def is_dry_run(uri: str) -> bool:
    """Whether a request was to change nothing, as far as its query says."""
    return "?" in uri and (any(_query(uri).get("dryRun", ())) or uri.endswith(CUT))


def _query(uri: str) -> dict[str, list[str]]:
    try:
        return parse_qs(urlsplit(uri).query, keep_blank_values=True)
    except ValueError:
        return {}


def _begin(token: str) -> str:
    """Where a page begins, whatever the revision as of which; "" for the first one."""
    try:
        return decode(token, "/").start if token else ""
    except StatusError:
        return token
