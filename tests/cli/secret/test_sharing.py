"""`strongroom secret share`, `refer`, `shares`, `unshare`, and users in other namespaces."""

from __future__ import annotations

import json

from strongroom.api import codec
from strongroom.resources.pod import PODS, Pod
from strongroom.resources.secret_reference import FROM, REFERENCE
from tests.cli.secret.conftest import Room


def _lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_share_refer_list_and_take_back(room: Room, other: Room) -> None:
    room.create("db", password=b"one")
    shop, vault = other.namespace, room.namespace
    shared = room.run("share", "db", "--to", shop)
    assert shared.stdout == f"secret db shared with {shop} (grant db)\n"
    assert f"strongroom secret refer {vault}/db -n {shop}" in shared.stderr
    told = other.done("refer", f"{vault}/db", "--name", "mine")
    assert told == f"secret mine refers to {vault}/db\n"
    made = other.get("mine")
    assert (made.type, made.metadata.annotations, made.data) == (
        REFERENCE,
        {FROM: f"{vault}/db"},
        {},
    )
    shown = other.run("show", "mine", "--reveal", "password")
    assert shown.exit_code == 1
    assert f"strongroom secret show db -n {vault}" in shown.stderr
    assert _lines(room.done("shares"))[1] == ["db", "all", shop, "db"]
    assert _lines(other.done("shares")) == [["REFERENCE", "FROM"], ["mine", f"{vault}/db"]]
    assert room.done("unshare", "db") == "grant db deleted\n"
    assert "Nothing is shared" in room.done("shares")
    assert room.run("unshare", "db").exit_code == 1


def test_some_keys_for_some_accounts(room: Room, other: Room) -> None:
    shop = other.namespace
    some = ("--key", "b", "--key", "a")
    told = room.run("share", "db", "--to", f"{shop}/web", *some)
    assert told.exit_code == 0
    assert f'there is no Secret "db" in namespace {room.namespace} yet' in told.stderr
    room.done("share", "db", "--to", f"{shop}/job", "--to", f"{shop}/web", *some)
    assert _lines(room.done("shares"))[1] == ["db", "a,b", f"{shop}/web,{shop}/job", "db"]
    tree = json.loads(room.done("shares", "-o", "json"))
    (share,) = tree["shares"]
    assert (share["keys"], share["serviceAccounts"]) == (["a", "b"], ["web", "job"])

    refused = room.run("share", "db", "--to", shop)
    assert refused.exit_code == 1
    assert "grant db is there, and gives something else" in refused.stderr
    room.done("share", "db", "--to", shop, "--grant", "all")
    refused = room.run("unshare", "db", "--to", f"{shop}/web")
    assert refused.exit_code == 1
    assert f"it is shared with all service accounts of {shop}" in refused.stderr
    assert room.done("unshare", "db", "--to", shop) == "grant all deleted\ngrant db deleted\n"


def test_wrong_usage(room: Room) -> None:
    assert room.run("share", "db").exit_code == 2
    assert room.run("share", "db", "--to", "shop/").exit_code == 2
    assert room.run("refer", "db").exit_code == 2


def test_who_uses_a_shared_secret_in_another_namespace(room: Room, other: Room) -> None:
    room.create("db", password=b"one")
    other.done("refer", f"{room.namespace}/db", "--name", "mine")
    spec = {
        "containers": [{"name": "c", "image": "i"}],
        "volumes": [{"name": "v", "secret": {"secretName": "mine"}}],
    }
    pod = codec.from_tree({"metadata": {"name": "web"}, "spec": spec}, Pod)
    other.ask(lambda client: client.create(PODS, pod, other.namespace))
    assert "Nothing names the Secret" in room.done("users", "db"), "it is not shared"
    room.done("share", "db", "--to", other.namespace)
    row = " ".join(_lines(room.done("users", "db"))[1])
    path = "spec.volumes[0].secret.secretName"
    assert row == f"Pod {other.namespace}/web {path} by reference mine"
    (user,) = json.loads(room.done("users", "db", "-o", "json"))["users"]
    assert user["reference"] == "mine"
    assert "db" not in room.run("unused").stdout


def test_a_reference_is_listed_as_one_and_does_not_grow_old(room: Room) -> None:
    room.done("refer", "elsewhere/db")
    (listed,) = json.loads(room.done("list", "--keys", "-o", "json"))["secrets"]
    assert (listed["type"], listed["keys"], listed["conditions"]) == (REFERENCE, 0, [])
    assert "changed" not in listed
