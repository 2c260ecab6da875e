"""`strongroom token`: what it makes is a bootstrap token, told once and to nobody else."""

from __future__ import annotations

import base64
import json
import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from strongroom.api.errors import StatusError
from strongroom.cli.main import main
from strongroom.cli.token.joining import Joining
from strongroom.client.client import Client
from strongroom.resources.bootstrap_token import groups_of, parse_token, signing_key, time_left
from strongroom.resources.certificate_pins import pins
from strongroom.resources.configmap import CONFIG_MAPS, ConfigMap
from strongroom.resources.secret import BOOTSTRAP_TOKEN, SECRETS, Secret
from strongroom.testing.process import Strongroom
from tests.cli.secret.conftest import Room

DEFAULT_GROUP = "system:bootstrappers:kubeadm:default-node-token"
MINE = "zzzzzz.0123456789abcdef"


def run(api: Strongroom, *arguments: str, **invocation: Any) -> Result:
    where = ["--kubeconfig", str(api.kubeconfig)]
    return CliRunner().invoke(main, ["token", *arguments, *where], **invocation)


def done(api: Strongroom, *arguments: str, **invocation: Any) -> str:
    result = run(api, *arguments, **invocation)
    assert result.exit_code == 0, result.output
    return result.stdout


def kept(api: Strongroom, token: str) -> Secret:
    """The Secret behind a token."""
    parts = parse_token(token)
    assert parts is not None
    name = f"bootstrap-token-{parts[0]}"
    return Room(api, "").ask(lambda client: client.get(SECRETS, name, "kube-system"))


def test_a_token_is_made_and_told_once(api: Strongroom) -> None:
    token = done(api, "create", "--description", "rack 7").removesuffix("\n")
    secret = kept(api, token)
    token_id, key = token.split(".")
    left = time_left(secret, datetime.now(UTC))
    assert left is not None
    assert timedelta(hours=23) < left <= timedelta(hours=24)
    assert secret.type == BOOTSTRAP_TOKEN
    assert signing_key(secret, datetime.now(UTC)) == (token_id, key.encode())
    assert groups_of(secret) == ("system:bootstrappers", DEFAULT_GROUP)
    assert secret.data["usage-bootstrap-authentication"] == b"true"
    assert secret.data["description"] == b"rack 7"
    told = [done(api, "list"), done(api, "list", "-o", "json"), done(api, "list", "-o", "yaml")]
    assert all(token_id in text and "rack 7" in text for text in told)
    assert not any(key in text for text in told)
    (facts,) = [t for t in json.loads(told[1])["tokens"] if t["id"] == token_id]
    assert (facts["usages"], facts["groups"]) == (["signing", "authentication"], [DEFAULT_GROUP])
    assert not facts["expired"]
    assert done(api, "delete", token_id) == f'bootstrap token "{token_id}" deleted\n'
    again = run(api, "delete", token)
    assert "See what there is: strongroom token list" in again.stderr
    assert again.exit_code == 1
    assert again.stderr.startswith(f"error: there is no bootstrap token {token_id}\n")
    assert key not in again.output


def test_no_two_are_alike_and_a_given_one_is_taken(api: Strongroom) -> None:
    assert done(api, "create") != done(api, "create")
    options = ["--ttl", "0", "--usages", "signing", "--token-file", "-"]
    assert done(api, "create", *options, input=MINE + "\n") == MINE + "\n"
    secret = kept(api, MINE)
    assert secret.data == {
        "token-id": b"zzzzzz",
        "token-secret": b"0123456789abcdef",
        "usage-bootstrap-signing": b"true",
    }
    assert "zzzzzz   <forever>   <never>" in done(api, "list")
    taken = run(api, "create", *options, input=MINE)
    assert taken.exit_code == 1
    assert "already exists" in taken.stderr
    assert "0123456789abcdef" not in taken.output


def test_the_join_command_names_server_and_authority(api: Strongroom) -> None:
    made = run(api, "create", "--print-join-command")
    assert made.exit_code == 0
    shown, _, joining = made.stdout.strip().partition(" | ")
    assert parse_token(shown.removeprefix("printf %s ")) is not None
    ca = (api.kubeconfig.parent / "pki" / "ca.crt").read_bytes()
    assert joining == (
        f"strongroom node join {api.url} --token-file /dev/stdin --ca-cert-hash {pins(ca)[0]}"
    )
    assert made.stderr.startswith(f"warning: {api.url} is reached from this machine only")


INFO = ("cluster-info", "kube-public")


async def say(client: Client, text: str) -> None:
    """Have cluster-info hold this, whether the server has made it or not."""
    made = ConfigMap(data={"kubeconfig": text})
    made.metadata.name = INFO[0]
    while True:
        try:
            await client.patch(CONFIG_MAPS, *INFO, {"data": made.data})
            return
        except StatusError as error:
            assert error.code == 404  # noqa: PT017 - anything else is a failure
        try:
            await client.create(CONFIG_MAPS, made, INFO[1])
            return
        except StatusError as error:
            assert error.code == 409  # noqa: PT017 - as above


@pytest.mark.parametrize("text", ["clusters: [", "clusters: []", "{}", "clusters: [{cluster: {}}]"])
def test_a_cluster_info_that_leads_nowhere_makes_no_token(api: Strongroom, text: str) -> None:
    admin, before = Room(api, ""), done(api, "list")
    admin.ask(lambda client: say(client, text))
    result = run(api, "create", "--print-join-command")
    assert result.exit_code == 1
    assert result.stderr == "error: the kubeconfig of cluster-info cannot be read\n"
    assert done(api, "list") == before
    # Without any, the kubeconfig says where; the server makes it again some seconds later.
    admin.ask(lambda client: client.delete(CONFIG_MAPS, *INFO))
    assert f" join {api.url} " in done(api, "create", "--print-join-command")


def test_what_cluster_info_says_is_no_command(api: Strongroom) -> None:
    admin, authority = Room(api, ""), (api.kubeconfig.parent / "pki" / "ca.crt").read_bytes()
    evil = "https://room.example; touch /tmp/x #$(id)`id`'"
    ca = base64.b64encode(authority).decode()
    cluster = {"server": evil, "certificate-authority-data": ca}
    info = json.dumps({"clusters": [{"cluster": cluster}]})
    admin.ask(lambda client: say(client, info))
    line = run(api, "create", "--print-join-command").stdout
    words = shlex.split(line.partition(" | ")[2])
    assert words[:4] == ["strongroom", "node", "join", evil]
    assert words[4] == "--token-file"
    admin.ask(lambda client: client.delete(CONFIG_MAPS, *INFO))


@pytest.mark.parametrize(
    ("server", "local"),
    [
        ("https://127.0.0.1:6443", True),
        ("https://[::1]:6443", True),
        ("https://localhost", True),
        ("https://10.0.0.1:6443", False),
        ("https://[fd00::1]:6443", False),
        ("https://room.example.com", False),
    ],
)
def test_which_servers_others_cannot_reach(server: str, local: bool) -> None:
    assert Joining("", server).is_local is local


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ttl", "soon"], "--ttl: expected a duration"),
        (["--ttl", "-1h"], "--ttl: expected a duration"),
        (["--usages", "signing,x"], "invalid bootstrap token usage string: x, valid usage"),
        (["--groups", "system:masters"], 'bootstrap group "system:masters" is invalid'),
        (["--usages", "signing", "--groups", DEFAULT_GROUP], "--groups: only a token with usage"),
        (["--token-file", "-"], "--token-file: expected ID.SECRET"),
    ],
)
def test_what_no_token_can_be(api: Strongroom, arguments: list[str], said: str) -> None:
    before = done(api, "list")
    result = run(api, "create", *arguments, input="abcdef.short")
    assert result.exit_code == 2
    assert said in result.stderr
    assert "short" not in result.stderr
    assert done(api, "list") == before


def test_what_is_no_id_is_not_told_again(api: Strongroom) -> None:
    result = run(api, "delete", "abcdef.0123456789ABCDEF")
    assert result.exit_code == 2
    assert "0123456789" not in result.output
