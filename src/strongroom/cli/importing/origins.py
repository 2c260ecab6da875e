"""Where objects are imported from: a cluster that serves, or its store.

Both give batches, resource by resource; no more than one is in memory.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from strongroom.api import codec
from strongroom.api.errors import StatusError
from strongroom.api.label_selectors import LabelSelector
from strongroom.api.meta import Object
from strongroom.api.protobuf import decode_protobuf
from strongroom.cli.foreign import Place, reading, section_of
from strongroom.cli.importing.kinds import Wanted
from strongroom.cli.people import Failure
from strongroom.client.client import Client
from strongroom.client.errors import Unreachable
from strongroom.resources.namespace import NAMESPACES
from strongroom.resources.resource import Resource

if TYPE_CHECKING:
    from strongroom.snapshot.lines import Stored

_PAGE = 64
_PROTOBUF = b"k8s\0"


@dataclass(frozen=True, slots=True)
class Come:
    """An object as it was there, or what is known of one that cannot be read."""

    resource: Resource[Any]
    name: str
    namespace: str
    obj: Object | None = field(repr=False)
    problem: str = ""

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.resource.plural} {where}{self.name}"


class Origin(Protocol):
    """Objects of a cluster."""

    def batches(self, wanted: Wanted) -> AsyncGenerator[Sequence[Come], None]:
        """All that is wanted. Raises Failure."""
        ...

    async def namespace(self, name: str) -> Object | None:
        """A namespace as it is there, if it is. Asked for one that a batch has had objects of."""
        ...


class ClusterOrigin:
    """A cluster whose API server answers."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def batches(self, wanted: Wanted) -> AsyncGenerator[Sequence[Come], None]:
        for resource in wanted.resources:
            places = wanted.namespaces if resource.namespaced else ()
            for namespace in places or ("",):
                async for batch in self._pages(resource, namespace, wanted.selector):
                    yield batch

    async def namespace(self, name: str) -> Object | None:
        try:
            return await self._client.get(NAMESPACES, name)
        except StatusError:
            return None  # Whoever may not look at namespaces imports without their labels.

    async def _pages(
        self, resource: Resource[Any], namespace: str, selector: str
    ) -> AsyncGenerator[Sequence[Come], None]:
        going_on, more = "", True
        while more:
            try:
                page = await self._client.list(
                    resource,
                    namespace,
                    label_selector=selector,
                    limit=_PAGE,
                    continue_token=going_on,
                )
            except (StatusError, Unreachable) as error:
                # Told as being of this cluster, and not of the one that is written to.
                raise Failure(f"{self._client.config.server}: {error}") from error
            yield [
                Come(resource, obj.metadata.name, namespace or obj.metadata.namespace, obj)
                for obj in page.items
            ]
            going_on = page.continue_token
            more = bool(going_on)


class StoreOrigin:
    """A cluster's store: a snapshot file of its etcd, or the etcd."""

    def __init__(self, place: Place, configuration: str | None) -> None:
        self._place = place
        self._options = ["--values"]
        if configuration:
            self._options += ["--encryption-provider-config", configuration]
        self._namespaces: dict[str, Object] = {}

    async def batches(self, wanted: Wanted) -> AsyncGenerator[Sequence[Come], None]:
        # Namespaces come first, so that they are known when something is to go into one.
        resources = {section_of(each.plural): each for each in (NAMESPACES, *wanted.resources)}
        with reading(self._place, list(resources), *self._options) as lines:
            found = self._found(lines, resources, wanted)
            while batch := list(itertools.islice(found, _PAGE)):
                yield batch

    async def namespace(self, name: str) -> Object | None:
        return self._namespaces.get(name)

    def _found(
        self, lines: Iterator[Any], resources: dict[str, Resource[Any]], wanted: Wanted
    ) -> Iterator[Come]:
        from strongroom.snapshot.lines import End, Stored

        selector, below = LabelSelector.parse(wanted.selector), 0
        for line in lines:
            if isinstance(line, End):
                below = line.below
            elif isinstance(line, Stored):
                found = come(resources[line.section], line)
                if found.resource is NAMESPACES:
                    if found.obj is not None and found.obj.metadata.name == found.name:
                        self._namespaces[found.name] = found.obj
                elif _is_wanted(found, wanted, selector):
                    yield found
        if not below:
            raise Failure(
                f"{self._place}: nothing is stored below {self._place.prefix} (see --prefix)"
            )


def _is_wanted(found: Come, wanted: Wanted, selector: LabelSelector) -> bool:
    if wanted.namespaces and found.namespace not in wanted.namespaces:
        return False
    # What cannot be read may be wanted, and is told.
    return found.obj is None or selector.matches(found.obj.metadata.labels)


def come(resource: Resource[Any], line: Stored) -> Come:
    """The object that was stored so, in protobuf or JSON."""
    namespace, _, name = line.rest.rpartition("/")
    if line.value is None:
        return Come(resource, name, namespace, None, line.problem)
    try:
        if line.value.startswith(_PROTOBUF):
            obj = decode_protobuf(line.value, resource.type, kind=resource.kind)
        else:
            obj = codec.decode(line.value, resource.type, kind=resource.kind).obj
    except StatusError:
        return Come(resource, name, namespace, None, "what is stored is no such object")
    return Come(resource, name, namespace, obj)
