"""How the store of another cluster is encrypted: what `strongroom keys status` tells of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strongroom.cli.foreign import Place, reading, section_of
from strongroom.cli.people import Failure, Found, People

if TYPE_CHECKING:
    from strongroom.snapshot.lines import Past, Stored

ALL = "all"
CLEAR = "identity"
_SAID = "IN THE CLEAR"

How = tuple[str, str, str]
"""Scheme, name of key or provider, and id of the key of a provider."""


@dataclass(slots=True)
class Status:
    """What is stored how: names of objects, and the number of all versions where it is known."""

    revision: int = 0
    below: int = 0
    objects: dict[tuple[str, How], list[str]] = field(default_factory=dict)
    history: Counter[tuple[str, How]] | None = None

    def rows(self) -> list[tuple[str, How, list[str]]]:
        """Resource, way and names: what is in the clear first, Secrets before others."""
        known = {*self.objects, *(self.history or ())}
        ordered = sorted(known, key=lambda row: (row[1][0] != CLEAR, row[0] != "secrets", row))
        return [(name, how, self.objects.get((name, how), [])) for name, how in ordered]

    def in_the_clear(self) -> bool:
        """Whether anything is, now or in what is kept of the past."""
        return any(how[0] == CLEAR for _, how, _ in self.rows())


def tell(
    people: People,
    place: Place,
    sections: Sequence[str],
    *,
    check: bool,
    names: bool,
    output: str,
) -> None:
    """Read the store and print what it says. Raises Failure, and Found for ``check``."""
    wanted = [] if ALL in sections else [section_of(name) for name in sections]
    status = gather(place, wanted)
    if not status.below:
        raise Failure(f"{place}: nothing is stored below {place.prefix} (see --prefix)")
    if output in ("json", "yaml"):
        people.emit(_facts(place, status), output)
    elif names or output == "wide":
        _tell_objects(people, status)
    else:
        _tell_ways(people, status)
    if check and status.in_the_clear():
        raise Found


def gather(place: Place, sections: Sequence[str]) -> Status:
    """Have a store read. Raises Failure."""
    # Only a file has what was before.
    status = Status(history=Counter() if place.snapshot else None)
    with reading(place, sections) as lines:
        for line in lines:
            _count(status, line)
    return status


def _count(status: Status, line: Any) -> None:
    from strongroom.snapshot.lines import End, Stored

    if isinstance(line, End):
        status.revision, status.below = line.revision, line.below
    elif isinstance(line, Stored):
        status.objects.setdefault((line.section, _how(line)), []).append(line.rest)
    elif status.history is not None:
        status.history[line.section, _how(line)] += line.count


def _how(line: Stored | Past) -> How:
    return line.scheme, line.name, line.key_id


def _provider(how: How) -> str:
    scheme, name, _ = how
    if scheme == CLEAR:
        return _SAID
    return f"{scheme} {name}" if scheme.startswith("kms") else scheme


def _key(how: How) -> str:
    scheme, name, key_id = how
    return key_id if scheme.startswith("kms") else name


def _tell_ways(people: People, status: Status) -> None:
    headers = ["RESOURCE", "PROVIDER", "KEY", "OBJECTS"]
    rows: list[list[object]] = [
        [name, _provider(how), _key(how), len(objects)] for name, how, objects in status.rows()
    ]
    if status.history is not None:
        headers.append("HISTORY")
        for row, (name, how, _) in zip(rows, status.rows(), strict=True):
            row.append(status.history[name, how])
    people.table(headers, rows)


def _tell_objects(people: People, status: Status) -> None:
    rows = [
        (name, *_named(rest), _provider(how), _key(how))
        for name, how, objects in status.rows()
        for rest in objects
    ]
    people.table(("RESOURCE", "NAMESPACE", "NAME", "PROVIDER", "KEY"), rows)


def _named(rest: str) -> tuple[str, str]:
    namespace, _, name = rest.rpartition("/")
    return namespace, name


def _facts(place: Place, status: Status) -> dict[str, Any]:
    return {
        "source": str(place),
        "revision": status.revision,
        "stored": [
            {
                "resource": name,
                "encrypted": how[0] != CLEAR,
                "scheme": how[0],
                "name": how[1],
                "keyID": how[2],
                "count": len(objects),
                **({} if status.history is None else {"history": status.history[name, how]}),
                "objects": objects,
            }
            for name, how, objects in status.rows()
        ],
    }
