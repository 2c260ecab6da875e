"""Label and field selectors: parsing, matching, printing. A text that is none is a 400."""

from __future__ import annotations

from strongroom.api.field_selectors import FieldRequirement, FieldSelector
from strongroom.api.label_selectors import LabelOperator, LabelRequirement, LabelSelector

__all__ = [
    "FieldRequirement",
    "FieldSelector",
    "LabelOperator",
    "LabelRequirement",
    "LabelSelector",
]
