"""SecretGrant: what one must say, at which paths it is told what is wrong, how it is listed."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.resources.secretgrant import MOST, SECRET_GRANTS, SecretGrant
from tests.resources.making import NOW, made, texts

DB = {"name": "db", "keys": ["*"]}
SHOP = {"namespace": "shop", "serviceAccounts": ["*"]}
_NAME = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def _grant(secrets: Any = (DB,), to: Any = (SHOP,)) -> SecretGrant:
    spec = {"secrets": list(secrets), "to": list(to)}
    return made({"metadata": {"name": "g", "namespace": "vault"}, "spec": spec}, SecretGrant)


def test_a_grant_that_says_it_all() -> None:
    some = {"name": "tls", "keys": ["tls.crt", "ca.crt"]}
    jobs = {"namespace": "jobs", "serviceAccounts": ["importer", "exporter"]}
    grant = _grant([DB, some], [SHOP, jobs])
    assert SECRET_GRANTS.validate(grant) == []
    cells = list(SECRET_GRANTS.columns_of(grant, NOW))
    assert cells[1:3] == ["db, tls (tls.crt, ca.crt)", "shop, jobs/importer, jobs/exporter"]


@pytest.mark.parametrize(
    ("secrets", "told"),
    [
        ([], ["spec.secrets: Required value"]),
        ([{"keys": ["*"]}], ["spec.secrets[0].name: Required value"]),
        ([{"name": "A", "keys": ["*"]}], [f'spec.secrets[0].name: Invalid value: "A": {_NAME}']),
        ([{"name": "db"}], ["spec.secrets[0].keys: Required value: say `*` for all keys"]),
        (
            [{"name": "db", "keys": ["a", "*"]}],
            ['spec.secrets[0].keys[1]: Invalid value: "*": must be the only one'],
        ),
        ([{"name": "db", "keys": ["a", "a"]}], ['spec.secrets[0].keys[1]: Duplicate value: "a"']),
        ([DB, DB], ['spec.secrets[1].name: Duplicate value: "db"']),
        ([DB] * (MOST + 1), ["spec.secrets: Too many: 257: must have at most 256 items"]),
    ],
)
def test_what_is_granted(secrets: list[Any], told: list[str]) -> None:
    assert texts(SECRET_GRANTS.validate(_grant(secrets)))[:1] == told


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ([], ["spec.to: Required value"]),
        ([{"serviceAccounts": ["*"]}], ["spec.to[0].namespace: Required value"]),
        (
            [{"namespace": "vault", "serviceAccounts": ["*"]}],
            ['spec.to[0].namespace: Invalid value: "vault": must be another namespace'],
        ),
        (
            [{"namespace": "shop"}],
            ["spec.to[0].serviceAccounts: Required value: say `*` for all service accounts"],
        ),
        (
            [{"namespace": "shop", "serviceAccounts": ["*", "a"]}],
            ['spec.to[0].serviceAccounts[0]: Invalid value: "*": must be the only one'],
        ),
        (
            [{"namespace": "shop", "serviceAccounts": ["A"]}],
            [f'spec.to[0].serviceAccounts[0]: Invalid value: "A": {_NAME}'],
        ),
        ([SHOP, SHOP], ['spec.to[1].namespace: Duplicate value: "shop"']),
    ],
)
def test_to_whom_it_is_granted(to: list[Any], told: list[str]) -> None:
    assert texts(SECRET_GRANTS.validate(_grant(to=to))) == told


def test_generation_counts_changes_of_the_spec() -> None:
    old, same, other = _grant(), _grant(), _grant([{"name": "other", "keys": ["*"]}])
    SECRET_GRANTS.prepare_for_create(old, NOW)
    SECRET_GRANTS.prepare_for_update(same, old, NOW)
    SECRET_GRANTS.prepare_for_update(other, old, NOW)
    assert [g.metadata.generation for g in (old, same, other)] == [1, 1, 2]
