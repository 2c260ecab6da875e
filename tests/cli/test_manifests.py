"""Names of the files of `strongroom export`; the rest is tried against a server in test_export."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.cli.manifests import file_name
from strongroom.cli.people import Failure


def tree(namespace: str, name: str) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": name}}


def test_the_longest_names_fit_into_a_directory_and_stay_apart() -> None:
    assert file_name(tree("shop", "db.one")) == "shop.db.one.yaml"
    long = [file_name(tree("n" * 63, "a" * 252 + end)) for end in "xy"]
    assert len(set(long)) == 2
    assert {len(name) for name in long} == {205}


@pytest.mark.parametrize(("namespace", "name"), [("/tmp", "a"), ("..", "/../a"), ("a", "b\0c")])
def test_no_name_leads_out_of_the_directory(namespace: str, name: str) -> None:
    with pytest.raises(Failure, match="no name of a file"):
        file_name(tree(namespace, name))
