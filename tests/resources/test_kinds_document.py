"""docs/kinds.md tells of every kind that is served, and of no other."""

from __future__ import annotations

from pathlib import Path

from strongroom.resources.catalog import CATALOG

_DOCUMENT = Path(__file__).parents[2] / "docs" / "kinds.md"


def test_the_document_lists_every_kind() -> None:
    lines = [line for line in _DOCUMENT.read_text().splitlines() if line.startswith("| ")]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[1:]]
    assert all(len(row) == 4 and row[3] for row in rows)
    told = [row[:3] for row in rows]
    served = {
        (r.api_version, r.kind, "namespace" if r.namespaced else "cluster") for r in CATALOG.all()
    }
    assert set(told) == served
    assert len(told) == len(served)
