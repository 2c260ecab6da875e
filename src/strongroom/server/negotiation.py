"""Which form a client wants its answer in, read from ``Accept``; which form its body has.

Source of the rules: ``k8s.io/apiserver/pkg/endpoints/handlers/negotiation``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from strongroom.api.errors import not_acceptable, unsupported_media_type
from strongroom.api.protobuf import MEDIA_TYPE as PROTOBUF

JSON = "application/json"
YAML = "application/yaml"
MEDIA_TYPES = (JSON, YAML)
BODY_TYPES = (JSON, YAML, PROTOBUF)
"""Bodies may come in protobuf, which kubectl sends unasked; answers are not made in it."""

OBJECT_SHAPES = frozenset({"Table", "PartialObjectMetadata"})
LIST_SHAPES = frozenset({"Table", "PartialObjectMetadataList"})
WATCH_SHAPES = frozenset({"Table", "PartialObjectMetadata"})
NO_SHAPES: frozenset[str] = frozenset()

_WILDCARDS = {"*/*": JSON, "application/*": JSON}
_VERSIONS = ("v1", "v1beta1")


@dataclass(frozen=True, slots=True)
class Form:
    """The form of an answer: media type, and the shape objects are turned into ("" for none)."""

    media_type: str = JSON
    shape: str = ""
    version: str = "v1"

    @property
    def api_version(self) -> str:
        """Of the shape: ``meta.k8s.io/v1`` or ``meta.k8s.io/v1beta1``."""
        return f"meta.k8s.io/{self.version}"


_LONGEST_ACCEPT = 2048
"""Of an ``Accept`` header. It is read for refused requests too, and readings are kept."""


def accepted_form(accept: str, shapes: frozenset[str]) -> Form:
    """The best form among those that the endpoint can make. Raises StatusError 406 for none."""
    if len(accept) > _LONGEST_ACCEPT:
        raise not_acceptable(MEDIA_TYPES)
    return _best_form(accept, shapes)


@lru_cache(maxsize=256)
def _best_form(accept: str, shapes: frozenset[str]) -> Form:
    if not accept.strip():
        return Form()
    for media_type, parameters in parse_accept(accept):
        form = _form(media_type, parameters, shapes)
        if form is not None:
            return form
    raise not_acceptable(MEDIA_TYPES)


def parse_accept(accept: str) -> list[tuple[str, dict[str, str]]]:
    """The clauses of an ``Accept`` header, the most wanted first; refused ones (q=0) left out."""
    weighted = []
    for clause in accept.split(","):
        media_type, *rest = (part.strip() for part in clause.split(";"))
        parameters = dict(_parameter(part) for part in rest if part)
        quality = _quality(parameters.pop("q", "1"))
        if media_type and quality > 0:
            weighted.append((-quality, media_type.lower(), parameters))
    return [(media, parameters) for _, media, parameters in sorted(weighted, key=lambda w: w[0])]


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _form(media_type: str, parameters: dict[str, str], shapes: frozenset[str]) -> Form | None:
    media_type = _WILDCARDS.get(media_type, media_type)
    if media_type not in MEDIA_TYPES:
        return None
    shape = parameters.get("as", "")
    if not shape:
        return Form(media_type)
    version = parameters.get("v", "")
    known = parameters.get("g", "") == "meta.k8s.io" and version in _VERSIONS
    if not known or shape not in shapes:
        return None
    return Form(media_type, shape, version)


def body_media_type(content_type: str, allowed: tuple[str, ...] = BODY_TYPES) -> str:
    """The media type of a request body; none given means the first. Raises StatusError 415."""
    media_type = content_type.partition(";")[0].strip().lower()
    if not media_type:
        return allowed[0]
    if media_type not in allowed:
        raise unsupported_media_type(allowed)
    return media_type
