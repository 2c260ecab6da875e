"""UUIDs made by hand are what the library takes for version 4, and none comes twice."""

from __future__ import annotations

import uuid

from strongroom.registry.uids import new_uid


def test_it_is_a_uuid_of_version_4_and_every_one_is_another() -> None:
    made = [new_uid() for _ in range(1000)]
    assert len(set(made)) == len(made)
    for text in made:
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)
