"""What is done to objects is done to those that were meant, or not at all."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from strongroom.api.errors import StatusError
from strongroom.client.discovery import Kind, discover
from strongroom.client.metadata import Metadata, Owner
from strongroom.controllers.controller import Again
from strongroom.controllers.dependents import Dependents
from tests.controllers.conftest import World
from tests.controllers.objects import CONFIG_MAPS, SECRETS, Objects, owner


@dataclass
class Case:
    """A Secret ``s`` with two owners, as it was read."""

    objects: Objects
    dependents: Dependents
    kind: Kind
    seen: Metadata

    async def remake(self) -> None:
        """Another object of the same name, with the same owners."""
        references = (await self.objects.get(SECRETS, "s"))["metadata"]["ownerReferences"]
        await self.objects.delete(SECRETS, "s")
        await self.objects.make(SECRETS, "s", *references, metadata={"finalizers": ["a.com/b"]})


@pytest.fixture
async def case(world: World) -> Case:
    objects = Objects(world.client)
    owners = [owner(await objects.make(CONFIG_MAPS, name)) for name in ("first", "second")]
    await objects.make(SECRETS, "s", *owners)
    kind = (await discover(world.client)).find("v1", "Secret")
    assert kind is not None
    dependents = Dependents(world.client)
    seen = await dependents.read(kind, "default", "s")
    assert seen is not None
    return Case(objects, dependents, kind, seen)


def references(seen: Metadata) -> tuple[Owner, ...]:
    return seen.ownerReferences or ()


async def test_one_owner_is_forgotten_and_the_other_is_not(case: Case) -> None:
    await case.dependents.disown(case.kind, case.seen, {references(case.seen)[0].uid, "no-such"})
    assert await case.objects.owners(SECRETS, "s") == ["second"]


async def test_owners_stay_but_wait_no_more(case: Case) -> None:
    await case.dependents.unblock(case.kind, case.seen, references(case.seen))
    found = (await case.objects.get(SECRETS, "s"))["metadata"]["ownerReferences"]
    assert [(o["name"], o["blockOwnerDeletion"]) for o in found] == [
        ("first", False),
        ("second", False),
    ]


async def test_another_object_of_the_same_name_is_left_alone(case: Case) -> None:
    await case.remake()
    uids = {o.uid for o in references(case.seen)}
    await case.dependents.disown(case.kind, case.seen, uids)
    await case.dependents.release(case.kind, case.seen, "a.com/b")
    assert await case.dependents.delete(case.kind, case.seen, "Background") is False
    made = (await case.objects.get(SECRETS, "s"))["metadata"]
    assert len(made["ownerReferences"]) == 2
    assert made["finalizers"] == ["a.com/b"]
    assert "deletionTimestamp" not in made


async def test_a_change_that_does_not_matter_does_not_save_an_object(case: Case) -> None:
    await case.objects.patch(SECRETS, "s", {"metadata": {"labels": {"a": "b"}}})
    assert await case.dependents.delete(case.kind, case.seen, "Background") is True
    assert await case.objects.names(SECRETS) == []
    assert await case.dependents.delete(case.kind, case.seen, "Background") is False


async def test_an_object_that_has_found_an_owner_is_judged_anew(case: Case) -> None:
    third = owner(await case.objects.make(CONFIG_MAPS, "third"))
    changed = {"metadata": {"ownerReferences": [third]}}
    await case.objects.patch(SECRETS, "s", changed)
    with pytest.raises(StatusError) as refused:
        await case.dependents.delete(case.kind, case.seen, "Background")
    assert refused.value.code == 409
    assert await case.objects.names(SECRETS) == ["s"]


async def test_a_kind_that_is_gone_tells_nothing_of_its_objects(case: Case) -> None:
    gone = msgspec.structs.replace(case.kind, group="example.com", plural="taps")
    with pytest.raises(Again):
        await case.dependents.read(gone, "default", "s")
    assert await case.dependents.read(case.kind, "default", "not") is None
