"""Which form a client wants its answer in, read from ``Accept``; which form its body has.

Source of the rules: ``k8s.io/apiserver/pkg/endpoints/handlers/negotiation``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import msgspec

from strongroom.api.errors import not_acceptable, unsupported_media_type
from strongroom.api.protobuf import MEDIA_TYPE as PROTOBUF

JSON = "application/json"
YAML = "application/yaml"
MEDIA_TYPES = (JSON, YAML, PROTOBUF)
STREAM_TYPES = (f"{JSON};stream=watch", f"{PROTOBUF};stream=watch")

OBJECT_SHAPES = frozenset({"Table", "PartialObjectMetadata"})
LIST_SHAPES = frozenset({"Table", "PartialObjectMetadataList"})
WATCH_SHAPES = frozenset({"Table", "PartialObjectMetadata"})
NO_SHAPES: frozenset[str] = frozenset()

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


def holds_objects(form: Form, include: str) -> bool:
    """Whether an answer holds objects themselves, and not their metadata or cells alone.

    ``include`` is the query's ``includeObject``, by which a Table brings the objects of its rows.
    """
    if form.shape == "Table":
        return include not in ("", "Metadata", "None")
    return not form.shape


def yaml_of(body: bytes) -> bytes:
    """JSON as YAML."""
    # Few answers are YAML, and the library takes 40 ms to import.
    from strongroom.api import yaml_text

    return yaml_text.dump(msgspec.json.decode(body)).encode()


LONGEST_ACCEPT = 2048
"""Of an ``Accept`` header. It is read for refused requests too, and readings are kept."""

_TARGET = ("as", "g", "v")
"""Parameters that ask for another kind than the object's own."""


def accepted_form(accept: str, shapes: frozenset[str], *, protobuf: bool = True) -> Form:
    """The best form among those that the endpoint can make. Raises StatusError 406 for none.

    ``protobuf`` is false for kinds that have no message of their own (custom ones); the metadata
    of their objects can be had in protobuf all the same.
    """
    if len(accept) > LONGEST_ACCEPT:
        raise not_acceptable(MEDIA_TYPES)
    return _best_form(accept, shapes, protobuf)


def check_stream(form: Form) -> None:
    """Refuse a form that has no stream. Raises StatusError 406."""
    if form.media_type == YAML:
        raise not_acceptable(STREAM_TYPES)


@lru_cache(maxsize=256)
def _best_form(accept: str, shapes: frozenset[str], protobuf: bool) -> Form:
    if not accept.strip():
        return Form()
    for pattern, parameters in parse_accept(accept):
        for media_type in MEDIA_TYPES:
            if _matches(pattern, media_type):
                form = _form(media_type, parameters, shapes, protobuf)
                if form is not None:
                    return form
    raise not_acceptable(MEDIA_TYPES)


def parse_accept(accept: str) -> list[tuple[str, dict[str, str]]]:
    """The clauses of an ``Accept`` header, the most wanted first.

    A weight of zero or none that can be read puts a clause last and does not refuse it, and a full
    media type goes before a wildcard whatever the weights: so upstream reads them (``goautoneg``).
    """
    clauses: list[_Clause] = []
    for text in accept.split(","):
        media_type, *rest = (part.strip() for part in text.split(";"))
        parameters = dict(_parameter(part) for part in rest if part)
        quality = _quality(parameters.pop("q", "1"))
        media_type = "*/*" if media_type == "*" else media_type.lower()
        if media_type.count("/") == 1:
            clauses.append((quality, media_type, parameters))
    return [(media_type, parameters) for _, media_type, parameters in _sorted(clauses)]


_Clause = tuple[float, str, dict[str, str]]
_LONGEST_INSERTION = 12


def _sorted(clauses: list[_Clause]) -> list[_Clause]:
    """In the order in which upstream takes them.

    "Before" is not transitive, so the way of sorting matters: Go's inserts one by one into lists
    this short. Longer ones are sent by nobody.
    """
    if len(clauses) > _LONGEST_INSERTION:
        return sorted(clauses, key=lambda clause: (-clause[0], "*" in clause[1]))
    done: list[_Clause] = []
    for clause in clauses:
        at = len(done)
        while at and _before(clause, done[at - 1]):
            at -= 1
        done.insert(at, clause)
    return done


def _before(one: _Clause, other: _Clause) -> bool:
    if one[0] > other[0]:
        return True
    (kind, _, subtype), (other_kind, _, other_subtype) = (c[1].partition("/") for c in (one, other))
    return (kind != "*" == other_kind) or (subtype != "*" == other_subtype)


def _matches(pattern: str, media_type: str) -> bool:
    return pattern in (media_type, "*/*", "application/*")


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _form(
    media_type: str, parameters: dict[str, str], shapes: frozenset[str], protobuf: bool
) -> Form | None:
    """The form of a media type with parameters; None where it cannot be made."""
    if parameters.get("stream") and (parameters["stream"] != "watch" or media_type == YAML):
        return None
    if parameters.get("sv", "v1") not in ("", "v1"):
        return None
    if not any(name in parameters for name in _TARGET):
        return Form(media_type) if protobuf or media_type != PROTOBUF else None
    shape, version = parameters.get("as", ""), parameters.get("v", "")
    known = parameters.get("g", "") == "meta.k8s.io" and version in _VERSIONS
    if not known or shape not in shapes or (shape == "Table" and media_type == PROTOBUF):
        return None
    return Form(media_type, shape, version)


def body_media_type(content_type: str, allowed: tuple[str, ...] = MEDIA_TYPES) -> str:
    """The media type of a request body; none given means the first. Raises StatusError 415."""
    media_type = content_type.partition(";")[0].strip().lower()
    if not media_type:
        return allowed[0]
    if media_type not in allowed:
        raise unsupported_media_type(allowed)
    return media_type
