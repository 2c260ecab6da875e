"""ServiceAccounts."""

from __future__ import annotations

from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS, ServiceAccount
from tests.resources.making import NOW, made


def test_listed_secrets_are_reduced_to_their_names() -> None:
    secrets = [{"name": "s", "namespace": "other", "uid": "1"}]
    new = made({"metadata": {"name": "a"}, "secrets": secrets}, ServiceAccount)
    SERVICE_ACCOUNTS.prepare_for_create(new, NOW)
    assert [(s.name, s.namespace, s.uid) for s in new.secrets] == [("s", "", "")]
    changed = made({"metadata": {"name": "a"}, "secrets": secrets}, ServiceAccount)
    SERVICE_ACCOUNTS.prepare_for_update(changed, new, NOW)
    assert changed == new


def test_columns() -> None:
    account = made({"metadata": {"name": "a"}}, ServiceAccount)
    assert [column.name for column in SERVICE_ACCOUNTS.columns] == ["Name", "Age"]
    assert SERVICE_ACCOUNTS.columns_of(account, NOW) == ["a", "<unknown>"]
