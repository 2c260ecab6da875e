"""Whom a suggestion is asked about, in any of the ways in which one may say it."""

from __future__ import annotations

import pytest

from strongroom.api.audit import EventUser
from strongroom.cli.doctor.measuring import parse_subject

KNOWN = [EventUser("oidc:jane"), EventUser("jane"), EventUser("system:serviceaccount:shop:api")]


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("jane", "User jane"),
        ("stranger", "User stranger"),
        ("user:jane", "User jane"),
        ("oidc:jane", "User oidc:jane"),
        ("system:kube-scheduler", "User system:kube-scheduler"),
        ("shop:api", "ServiceAccount shop/api"),
        ("shop:unknown", "ServiceAccount shop/unknown"),
        ("serviceaccount:shop/api", "ServiceAccount shop/api"),
        ("system:serviceaccount:shop:api", "ServiceAccount shop/api"),
        ("system:serviceaccount:shop:new", "ServiceAccount shop/new"),
        ("group:ops", "Group ops"),
    ],
)
def test_who_is_meant(text: str, who: str) -> None:
    assert str(parse_subject(text, KNOWN)) == who
