"""The order of versions: the most stable first, then the newest, other names last."""

from __future__ import annotations

import random

from strongroom.api.versions import priority

# From the documentation of CustomResourceDefinition's versions.
ORDERED = (
    "v10 v2 v1 v11beta2 v10beta3 v3beta1 v12alpha1 v11alpha2 foo1 foo10".split()  # noqa: SIM905 - as documented
)


def test_versions_are_sorted_as_documented() -> None:
    shuffled = ORDERED.copy()
    random.Random(3).shuffle(shuffled)
    assert sorted(shuffled, key=priority) == ORDERED
