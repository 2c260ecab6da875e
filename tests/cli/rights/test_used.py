"""What audit events say of the rights that were used."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from strongroom.cli.rights.used import Use, read_history
from tests.cli.rights.logs import NOW, history, uses, written

ROBOT = "system:serviceaccount:ci:bot"
UNSAFE = "ignoreStoreReadErrorWithClusterBreakingPotential"
RBAC = "rbac.authorization.k8s.io"


@pytest.mark.parametrize(
    ("line", "used"),
    [
        ("jane get Shop/secrets db values=1", [Use("get", "", "secrets", "", "shop", "db")]),
        (
            "jane get Shop/secrets db",
            [Use("get", "", "secrets", "", "shop", "db", part="metadata")],
        ),
        ("jane get Shop/secrets db =404", [Use("get", "", "secrets", "", "shop", "db", part="?")]),
        (
            "jane get Shop/secrets db values=1 keys=a,b",
            [Use("get", "", "secrets", "", "shop", "db", part="keys", keys=("a", "b"))],
        ),
        (
            "jane watch Shop/secrets db values=watch part=keys",
            [Use("watch", "", "secrets", "", "shop", "db", part="keys")],
        ),
        (
            "jane list Shop/secrets uri=/u?fieldSelector=metadata.name%3Ddb values=1",
            [Use("list", "", "secrets", "", "shop", "db")],
        ),
        ("jane get Shop/secrets db =403", []),
        ("jane get Shop/secrets db stage=RequestReceived", []),
        ("jane create Shop/secrets db =201", [Use("create", "", "secrets", "", "shop")]),
        (
            "jane patch Shop/secrets db =201 values=1",
            [
                Use("patch", "", "secrets", "", "shop", "db"),
                Use("create", "", "secrets", "", "shop", "db"),
            ],
        ),
        ("jane get Shop/pods web-1", [Use("get", "", "pods", "", "shop")]),
        ("jane get Shop/configmaps known", [Use("get", "", "configmaps", "", "shop", "known")]),
        ("jane get Shop/pods/log web-1", [Use("get", "", "pods", "log", "shop")]),
        ("jane get /metrics", [Use("get", path="/metrics")]),
        (
            f"jane delete Shop/secrets db uri=/u?{UNSAFE}=true",
            [
                Use("delete", "", "secrets", "", "shop", "db"),
                Use("unsafe-delete-ignore-read-errors", "", "secrets", "", "shop", "db"),
            ],
        ),
        (
            f"jane patch Shop/roles.{RBAC} r",
            [
                Use("patch", RBAC, "roles", "", "shop"),
                Use("escalate", RBAC, "roles", "", "shop", surmised=True),
            ],
        ),
        (
            f"jane list pods as={ROBOT}+system:serviceaccounts+system:serviceaccounts:ci =403",
            [Use("impersonate", "", "serviceaccounts", "", "ci", "bot")],
        ),
        (
            "jane list pods as=joe+ops",
            [
                Use("impersonate", "", "users", "", "", "joe"),
                Use("impersonate", "", "groups", "", "", "ops"),
            ],
        ),
    ],
)
def test_an_event_tells_what_was_asked(line: str, used: list[Use], tmp_path: Path) -> None:
    assert uses(history(tmp_path, line, names=frozenset({"known"})), "jane") == used


def test_who_acts_as_another_uses_the_rights_of_that_one(tmp_path: Path) -> None:
    told = history(tmp_path, "boss list pods as=joe+ops")
    assert uses(told, "joe") == [Use("list", "", "pods")]


def test_other_servers_do_not_tell_what_was_shown(tmp_path: Path) -> None:
    told = history(tmp_path, "jane list Shop/secrets", ours=False)
    assert uses(told, "jane") == [Use("list", "", "secrets", "", "shop")]
    assert not told.tells_values


def test_it_reaches_back_as_far_as_the_oldest_file_and_what_is_damaged_is_not_known(
    tmp_path: Path,
) -> None:
    log = written(tmp_path / "audit.log", "jane list pods at=2026-02-20T00:00:00.000000Z")
    old = tmp_path / "audit-2026-02-10T00-00-00.000.log"
    written(old, "jane get Shop/secrets db values=1 at=2026-01-05T00:00:00.000000Z")
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    damaged: list[Path] = []

    def since(first: datetime) -> tuple[datetime, datetime, int]:
        told = read_history(log, first, NOW, of=lambda _: True, damaged=damaged.append)
        return told.begins, told.since, len(uses(told, "jane"))

    january = datetime(2026, 1, 5, tzinfo=UTC)
    assert since(begin) == (january, january, 2)
    recent = datetime(2026, 2, 15, tzinfo=UTC)
    assert since(recent) == (january, recent, 1)
    packed = old.with_name(f"{old.name}.gz")
    packed.write_bytes(gzip.compress(old.read_bytes() * 2000)[:-40])
    old.unlink()
    assert since(begin)[0] == datetime(2026, 2, 20, tzinfo=UTC)
    assert damaged == [packed]
    log.write_text("")
    packed.unlink()
    assert since(begin) == (NOW, NOW, 0)
