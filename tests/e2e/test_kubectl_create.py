"""Making Secrets with the real kubectl."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.kubectl import Kubectl

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def values(kubectl: Kubectl, name: str) -> dict[str, str]:
    """The decoded data of a Secret."""
    data = kubectl.object("secret", name).get("data", {})
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def test_generic_from_literals(kubectl: Kubectl) -> None:
    made = kubectl(
        "create", "secret", "generic", "s", "--from-literal=user=admin", "--from-literal=pw=a=b c"
    )
    assert made == "secret/s created\n"
    assert values(kubectl, "s") == {"user": "admin", "pw": "a=b c"}
    assert kubectl.object("secret", "s")["type"] == "Opaque"


def test_generic_from_files_keeps_every_byte(kubectl: Kubectl) -> None:
    content = bytes(range(256))
    (kubectl.directory / "blob").write_bytes(content)
    kubectl(
        "create",
        "secret",
        "generic",
        "s",
        "--from-file=blob",
        "--from-file=named.bin=blob",
        "--type=example.test/blob",
    )  # fmt: skip - one row for each half of the command
    secret = kubectl.object("secret", "s")
    assert secret["type"] == "example.test/blob"
    assert {key: base64.b64decode(v) for key, v in secret["data"].items()} == {
        "blob": content,
        "named.bin": content,
    }


def test_generic_from_an_env_file(kubectl: Kubectl) -> None:
    (kubectl.directory / "app.env").write_text("# settings\nUSER=admin\nURL=http://x/?a=b\n\n")
    kubectl("create", "secret", "generic", "s", "--from-env-file=app.env")
    assert values(kubectl, "s") == {"USER": "admin", "URL": "http://x/?a=b"}


def test_tls(kubectl: Kubectl) -> None:
    pair = yaml.safe_load((EXAMPLES / "secrets" / "tls.yaml").read_text())["stringData"]
    for name, text in pair.items():
        (kubectl.directory / name).write_text(text)
    kubectl("create", "secret", "tls", "s", "--cert=tls.crt", "--key=tls.key")
    assert kubectl.object("secret", "s")["type"] == "kubernetes.io/tls"
    assert values(kubectl, "s") == pair


def test_docker_registry(kubectl: Kubectl) -> None:
    kubectl(
        "create",
        "secret",
        "docker-registry",
        "s",
        "--docker-server=registry.example.test",
        "--docker-username=robot",
        "--docker-password=t0p",
        "--docker-email=robot@example.test",
    )  # fmt: skip - one row for each half of the command
    assert kubectl.object("secret", "s")["type"] == "kubernetes.io/dockerconfigjson"
    config = json.loads(values(kubectl, "s")[".dockerconfigjson"])
    login = config["auths"]["registry.example.test"]
    assert (login["username"], login["password"]) == ("robot", "t0p")
    assert base64.b64decode(login["auth"]) == b"robot:t0p"


def test_a_secret_is_made_once(kubectl: Kubectl) -> None:
    kubectl("create", "secret", "generic", "s")
    said = kubectl.fails("create", "secret", "generic", "s")
    assert said == 'error: failed to create secret secrets "s" already exists\n'


def test_a_dry_run_at_the_server_shows_all_and_stores_nothing(kubectl: Kubectl) -> None:
    shown = yaml.safe_load(
        kubectl(
            "create",
            "secret",
            "generic",
            "s",
            "--from-literal=a=b",
            "--dry-run=server",
            "-o",
            "yaml",
        )
    )  # fmt: skip - options in a row
    assert shown["data"] == {"a": "Yg=="}
    assert shown["metadata"]["uid"]
    assert "resourceVersion" not in shown["metadata"]
    assert kubectl.fails("get", "secret", "s") == (
        'Error from server (NotFound): secrets "s" not found\n'
    )


def test_a_generated_name(kubectl: Kubectl) -> None:
    made = kubectl("create", "-f", "-", stdin=manifest(metadata={"generateName": "job-"}))
    name = made.removeprefix("secret/").removesuffix(" created\n")
    assert name.startswith("job-")
    assert len(name) == len("job-") + 5


def manifest(**fields: Any) -> str:
    """A Secret's manifest; JSON is YAML."""
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, **fields})


def test_unknown_fields_are_refused_by_name(kubectl: Kubectl) -> None:
    text = manifest(metadata={"name": "s", "labls": {}}, dat={"a": "Yg=="})
    assert kubectl.fails("create", "-f", "-", stdin=text) == (
        'Error from server (BadRequest): error when creating "STDIN": Secret in version "v1" '
        'cannot be handled as a Secret: strict decoding error: unknown field "dat", '
        'unknown field "metadata.labls"\n'
    )


def test_unknown_fields_are_warned_of_or_ignored_on_demand(kubectl: Kubectl) -> None:
    text = manifest(dat={"a": "Yg=="})
    warned = kubectl.run("create", "-f", "-", "--validate=warn", stdin=text)
    assert (warned.code, warned.err) == (0, 'Warning: unknown field "dat"\n')
    ignored = kubectl.run("replace", "-f", "-", "--validate=ignore", stdin=text)
    assert (ignored.code, ignored.err) == (0, "")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"data": {"a b": ""}}, "data[a b]: Invalid value"),
        ({"data": {"..": ""}}, "must not be '..'"),
        (
            {"type": "kubernetes.io/tls"},
            "* data[tls.crt]: Required value\n* data[tls.key]: Required value\n",
        ),
        ({"type": "kubernetes.io/basic-auth"}, "data[username]: Required value"),
        ({"type": "kubernetes.io/ssh-auth"}, "data[ssh-privatekey]: Required value"),
        ({"type": "kubernetes.io/dockerconfigjson"}, "data[.dockerconfigjson]: Required value"),
        (
            {"type": "kubernetes.io/dockercfg", "stringData": {".dockercfg": "{"}},
            'data[.dockercfg]: Invalid value: "<secret contents redacted>"',
        ),
        (
            {"type": "kubernetes.io/service-account-token"},
            "metadata.annotations[kubernetes.io/service-account.name]: Required value",
        ),
        ({"metadata": {"name": "No_Name"}}, "a lowercase RFC 1123 subdomain must consist of"),
        ({"metadata": {"name": "s", "labels": {"a": "-"}}}, "metadata.labels: Invalid value"),
        ({"metadata": {}}, "metadata.name: Required value: name or generateName is required\n"),
    ],
)
def test_invalid_secrets_are_refused(
    kubectl: Kubectl, fields: dict[str, Any], message: str
) -> None:
    said = kubectl.fails("create", "-f", "-", stdin=manifest(**fields))
    assert message in said


def test_a_mismatched_tls_pair_is_warned_of(kubectl: Kubectl) -> None:
    data = {"tls.crt": "eA==", "tls.key": "eA=="}
    made = kubectl.run("create", "-f", "-", stdin=manifest(type="kubernetes.io/tls", data=data))
    assert made.code == 0
    assert made.err == "Warning: tls: failed to find any PEM data in certificate input\n"
