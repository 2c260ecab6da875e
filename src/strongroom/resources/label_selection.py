"""The label selectors that objects hold, turned into ones that can be matched and printed."""

from __future__ import annotations

from strongroom.api.label_selectors import LabelOperator, LabelRequirement
from strongroom.api.meta import LabelSelector, LabelSelectorRequirement
from strongroom.api.selectors import LabelSelector as Selection
from strongroom.resources.columns import NONE

_OPERATORS: dict[str, LabelOperator] = {
    "In": "in",
    "NotIn": "notin",
    "Exists": "exists",
    "DoesNotExist": "!",
}


def selection(selector: LabelSelector) -> Selection | None:
    """What a label selector selects; None when it has an operator that there is not.

    As upstream, ``matchLabels`` print as ``key=value``, and all conditions are sorted by key.
    """
    conditions = [
        LabelRequirement(key, "=", (value,)) for key, value in sorted(selector.matchLabels.items())
    ]
    for expression in selector.matchExpressions:
        condition = _condition(expression)
        if condition is None:
            return None
        conditions.append(condition)
    return Selection(tuple(sorted(conditions, key=lambda condition: condition.key)))


def is_empty(selector: LabelSelector) -> bool:
    """Whether it has no condition at all, and so selects everything."""
    return not selector.matchLabels and not selector.matchExpressions


def selector_text(selector: LabelSelector | None) -> str:
    """The selector as a column of ``kubectl get -o wide`` shows it."""
    if selector is None:
        return NONE
    selected = selection(selector)
    return "<error>" if selected is None else str(selected) or NONE


def labels_text(labels: dict[str, str]) -> str:
    """Labels as such a column shows them: ``a=1,b=2``."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or NONE


def _condition(expression: LabelSelectorRequirement) -> LabelRequirement | None:
    operator = _OPERATORS.get(expression.operator)
    if operator is None:
        return None
    return LabelRequirement(expression.key, operator, tuple(sorted(set(expression.values))))
