"""Tokens kept in Secrets, from before tokens were asked for: what tells since when they are unused.

The API server writes the day of the last use on each such Secret, and keeps the day on which it
began to do so in a ConfigMap; the cleaner acts on both. Sources: ``pkg/serviceaccount`` and
``pkg/controlplane/controller/legacytokentracking``.
"""

from __future__ import annotations

import re
from datetime import date, datetime

TRACKING_NAMESPACE = "kube-system"
TRACKING_NAME = "kube-apiserver-legacy-service-account-token-tracking"
TRACKING_KEY = "since"
"""Holds the first day of tracking."""

LAST_USED_LABEL = "kubernetes.io/legacy-token-last-used"
"""The day (UTC) of the last use; without it, none since tracking began."""
INVALID_SINCE_LABEL = "kubernetes.io/legacy-token-invalid-since"
"""From this day on the token is refused, until the label is taken off."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def write_day(moment: datetime) -> str:
    """A moment's day as the labels hold it."""
    return moment.date().isoformat()


def read_day(text: str) -> date:
    """The day that a label or the ConfigMap tells. Raises ValueError for anything else."""
    if not _DAY.fullmatch(text):
        raise ValueError("expected a day such as 2006-01-02")
    return date.fromisoformat(text)
