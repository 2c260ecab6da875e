"""Types declared for tests: every form that a field can have, apart from any real kind."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from strongroom.api.meta import Object
from strongroom.api.schema import F, Struct, always


class Part(Struct):
    """An item of merging lists."""

    name: Annotated[str, F(1, "Tells it from the others.", required=True)] = ""
    image: Annotated[str, F(2, "A text.")] = ""
    count: Annotated[int, F(3, "A number.", format="int32")] = 0
    port: Annotated[int | str | None, F(4, "A number or a name.")] = None
    env: Annotated[
        list[Part],
        F(
            5,
            "Parts of the part.",
            patch="merge",
            merge_key="name",
            list_type="map",
            list_keys=("name",),
        ),
    ] = []


class Source(Struct):
    """A union of which one member is set."""

    name: Annotated[str, F(1, "Its name.")] = ""
    disk: Annotated[Part | None, F(2, "One way.")] = None
    net: Annotated[Part | None, F(3, "Another way.")] = None


class Spec(Struct):
    """What a Thing should be."""

    size: Annotated[int | None, F(1, "How large.", format="int64")] = None
    ready: Annotated[bool, F(2, "Always on the wire.", required=True)] = always(bool)
    mode: Annotated[str, F(3, "One of two.", enum=("Slow", "Fast"))] = ""
    parts: Annotated[
        list[Part],
        F(
            4,
            "Merged by name.",
            patch="merge",
            merge_key="name",
            list_type="map",
            list_keys=("name",),
        ),
    ] = []
    sources: Annotated[
        list[Source], F(5, "Unions.", patch="merge,retainKeys", merge_key="name")
    ] = []
    words: Annotated[list[str], F(6, "A set of texts.", patch="merge", list_type="set")] = []
    lines: Annotated[list[str], F(7, "Replaced as a whole.", list_type="atomic")] = []
    rows: Annotated[list[Part], F(8, "Replaced as a whole.", list_type="atomic")] = []
    whole: Annotated[Part | None, F(9, "Replaced as a whole.", patch="replace")] = None
    amounts: Annotated[dict[str, str], F(10, "Quantities by name.", format="quantity")] = {}
    since: Annotated[str, F(11, "A time.", format="date-time")] = ""
    exactly: Annotated[str, F(12, "A precise time.", format="date-time", micro=True)] = ""
    free: Annotated[Any, F(13, "Anything.")] = None
    index: Annotated[dict[str, Part], F(15, "Parts by name.")] = {}
    ratio: Annotated[float, F(14, "A fraction.")] = 0.0


class Thing(Object):
    """A kind that has everything."""

    data: Annotated[dict[str, bytes], F(2, "Bytes by name.", confidential=True)] = {}
    spec: Annotated[Spec, F(3, "What it should be.")] = msgspec.field(default_factory=Spec)
