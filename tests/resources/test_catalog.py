"""The catalog of kinds."""

from __future__ import annotations

import pytest

from strongroom.resources.catalog import CATALOG, Catalog
from strongroom.resources.lease import LEASES
from strongroom.resources.secret import SECRETS


def test_kinds_are_found_by_path_and_by_kind() -> None:
    assert CATALOG.by_plural("", "v1", "secrets") is SECRETS
    assert CATALOG.by_kind("coordination.k8s.io/v1", "Lease") is LEASES
    assert CATALOG.by_plural("", "v2", "secrets") is None
    assert CATALOG.by_kind("v1", "Lease") is None


def test_every_kind_is_served_once() -> None:
    names = [(resource.group, resource.plural) for resource in CATALOG.all()]
    assert len(set(names)) == len(names)
    with pytest.raises(ValueError, match="share a name"):
        Catalog((SECRETS, SECRETS))


def test_singular_names_are_the_kinds_in_lower_case() -> None:
    for resource in CATALOG.all():
        assert resource.singular == resource.kind.lower()
