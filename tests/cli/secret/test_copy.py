"""`strongroom secret copy`."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from strongroom.resources.secret import SERVICE_ACCOUNT_TOKEN, TLS
from strongroom.resources.serviceaccount import SERVICE_ACCOUNTS, ServiceAccount
from tests.cli.secret.conftest import Room


def test_a_copy_has_what_the_secret_is_and_not_what_tools_wrote_on_it(
    room: Room, other: Room
) -> None:
    notes = ("--annotation", "note=n", "--annotation", "kubectl.kubernetes.io/x=1")
    room.done("set", "db", "a=-", "--label", "app=shop", *notes, input="hunter2")
    told = room.done("copy", "db", "--to-namespace", other.namespace)
    assert told.startswith(f"secret db created in namespace {other.namespace}\n")
    assert "hunter2" not in told
    copied = other.get("db")
    assert (copied.data, copied.metadata.labels) == ({"a": b"hunter2"}, {"app": "shop"})
    assert copied.metadata.annotations == {"note": "n"}
    again = room.done("copy", "db", "--to-namespace", other.namespace)
    assert again.startswith("secret db unchanged")


def test_what_is_there_stays_unless_forced(room: Room) -> None:
    room.create("db", a=b"1", b=b"2")
    room.create("old", a=b"0", c=b"3")
    refused = room.run("copy", "db", "--name", "old")
    assert refused.exit_code == 1
    assert "with other data; --force replaces its data" in refused.stderr
    tried = room.done("copy", "db", "--name", "old", "--force", "--dry-run")
    assert "(dry run)" in tried
    assert room.get("old").data == {"a": b"0", "c": b"3"}
    room.done("copy", "db", "--name", "old", "--force")
    assert room.get("old").data == {"a": b"1", "b": b"2"}


def test_to_another_cluster_as_its_own_user(room: Room, tmp_path: Path) -> None:
    # The same server by another name and context stands for another cluster.
    tree = yaml.safe_load(room.api.kubeconfig.read_text())
    (context,) = (c for c in tree["contexts"] if c["name"] == tree["current-context"])
    tree["contexts"] = [{"name": "elsewhere", "context": context["context"]}]
    tree["current-context"] = ""
    elsewhere = tmp_path / "config"
    elsewhere.write_text(yaml.safe_dump(tree))
    room.create("db", a=b"1")
    where = ("--to-kubeconfig", str(elsewhere), "--to-context", "elsewhere")
    room.done("copy", "db", *where, "--name", "there")
    assert room.get("there").data == {"a": b"1"}
    wrong = room.run("copy", "db", "--to-context", "nowhere")
    assert wrong.exit_code == 1
    assert wrong.stderr == 'error: context "nowhere" does not exist\n'


@pytest.mark.parametrize("where", [(), ("--name", "db")])
def test_not_onto_itself(room: Room, where: tuple[str, ...]) -> None:
    room.create("db", a=b"1")
    assert room.run("copy", "db", *where).exit_code == 2


def test_types_that_do_not_change_and_tokens_that_belong_to_an_account(room: Room) -> None:
    room.create("db", a=b"1")
    room.create("web", TLS, **{"tls.crt": b"1", "tls.key": b"1"})
    refused = room.run("copy", "db", "--name", "web", "--force")
    assert refused.exit_code == 1
    assert "field is immutable" in refused.stderr
    owner = ServiceAccount()
    owner.metadata.name = "default"
    room.ask(lambda client: client.create(SERVICE_ACCOUNTS, owner, room.namespace))
    account = ("--annotation", "kubernetes.io/service-account.name=default")
    made = room.run("set", "token", "--type", SERVICE_ACCOUNT_TOKEN, *account)
    assert made.exit_code == 0
    refused = room.run("copy", "token", "--name", "other")
    assert "kubectl create token" in refused.stderr
