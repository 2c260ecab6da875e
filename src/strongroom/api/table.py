"""Tables and metadata-only objects (``meta.k8s.io/v1``): what ``kubectl get`` asks for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from strongroom.api.meta import ListMeta, ObjectMeta
from strongroom.api.schema import F, Struct, always
from strongroom.api.times import parse_time


class TableColumnDefinition(Struct):
    """A column of a Table. All fields are always on the wire."""

    name: Annotated[str, F(1, "Heading of the column.", required=True)] = always(str)
    type: Annotated[str, F(2, "OpenAPI type of the cells.", required=True)] = always(str)
    format: Annotated[
        str, F(3, "OpenAPI format of the cells; name marks the object's name.", required=True)
    ] = always(str)
    description: Annotated[str, F(4, "What the column tells.", required=True)] = always(str)
    priority: Annotated[
        int, F(5, "Above 0: shown only when there is room.", format="int32", required=True)
    ] = always(int)


class TableRowCondition(Struct):
    """Marks a row, such as that of a completed pod."""

    type: Annotated[str, F(1, "Completed is the only kind.", required=True)] = ""
    status: Annotated[str, F(2, "True, False or Unknown.", required=True)] = ""
    reason: Annotated[str, F(3, "Machine-readable reason.")] = ""
    message: Annotated[str, F(4, "Reason for people.")] = ""


class PartialObjectMetadata(Struct):
    """Any object, reduced to its metadata."""

    kind: Annotated[str, F(0, "PartialObjectMetadata.")] = ""
    apiVersion: Annotated[str, F(0, "meta.k8s.io/v1.")] = ""
    metadata: Annotated[ObjectMeta, F(1, "Standard object metadata.")] = always(ObjectMeta)


class PartialObjectMetadataList(Struct):
    """A list of objects, each reduced to its metadata."""

    kind: Annotated[str, F(0, "PartialObjectMetadataList.")] = ""
    apiVersion: Annotated[str, F(0, "meta.k8s.io/v1.")] = ""
    metadata: Annotated[ListMeta, F(1, "Standard list metadata.")] = always(ListMeta)
    items: Annotated[list[PartialObjectMetadata], F(2, "The objects.", required=True)] = always(
        list
    )


class TableRow(Struct):
    """One object of a Table; ``object`` is null, its metadata or the whole, as the client asked."""

    cells: Annotated[list[Any], F(1, "One for each column.", required=True)] = always(list)
    conditions: Annotated[list[TableRowCondition], F(2, "Marks of the row.")] = []
    object: Annotated[Any, F(3, "The object that the row tells of.")] = always(lambda: None)


class Table(Struct):
    """Objects as rows of cells. Columns and rows are always on the wire."""

    kind: Annotated[str, F(0, "Table.")] = always(lambda: "Table")
    apiVersion: Annotated[str, F(0, "meta.k8s.io/v1.")] = always(lambda: "meta.k8s.io/v1")
    metadata: Annotated[ListMeta, F(1, "Standard list metadata.")] = always(ListMeta)
    columnDefinitions: Annotated[
        list[TableColumnDefinition], F(2, "The columns.", required=True)
    ] = always(list)
    rows: Annotated[list[TableRow], F(3, "The objects.", required=True)] = always(list)


def human_age(created: str | datetime, now: datetime) -> str:
    """The age in kubectl's short form; ``<unknown>`` when there is no time.

    ``created`` is a wire time or an aware datetime.
    """
    if not created:
        return "<unknown>"
    moment = parse_time(created) if isinstance(created, str) else created
    return human_duration((now - moment).total_seconds())


def human_duration(seconds: float) -> str:
    """A span with two or three significant figures, as upstream's ``duration.HumanDuration``.

    Up to two seconds into the future count as now, because clocks differ.
    """
    # Go cuts towards zero, as int() does.
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 120:
        return f"{max(whole, 0)}s"
    minutes = whole // 60
    if minutes < 180:
        return _pair(minutes, "m", whole % 60, "s") if minutes < 10 else f"{minutes}m"
    hours = whole // 3600
    if hours < 48:
        return _pair(hours, "h", minutes % 60, "m") if hours < 8 else f"{hours}h"
    days = hours // 24
    if days < 730:
        return _pair(days, "d", hours % 24, "h") if days < 8 else f"{days}d"
    years = days // 365
    return _pair(years, "y", days % 365, "d") if years < 8 else f"{years}y"


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}" + (f"{small}{small_unit}" if small else "")
