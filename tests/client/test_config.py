"""Kubeconfig files as kubectl reads them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from strongroom.client.config import ClientConfig, load_config
from strongroom.client.errors import InvalidConfig

CERT = b"the certificate"


def kubeconfig(path: Path, name: str, **user: object) -> Path:
    """Write a file with one cluster, one user and one context, all of the same name."""
    tree = {
        "current-context": name,
        "clusters": [
            {"name": name, "cluster": {"server": f"https://{name}:1/", "unknown-setting": 1}}
        ],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
    path.write_text(yaml.safe_dump(tree))
    return path


def test_the_current_context_decides(tmp_path: Path) -> None:
    config = load_config(kubeconfig(tmp_path / "a", "one", token="t"))
    assert (config.server, config.token, config.namespace) == ("https://one:1", "t", "default")


def test_files_of_the_environment_are_merged_and_the_first_wins(tmp_path: Path) -> None:
    first = kubeconfig(tmp_path / "a", "one")
    second = kubeconfig(tmp_path / "b", "two")
    environ = {"KUBECONFIG": f"{first}:{tmp_path / 'missing'}:{second}"}
    assert load_config(environ=environ).server == "https://one:1"
    assert load_config(environ=environ, context="two").server == "https://two:1"


def test_inline_data_wins_over_files_and_files_are_relative_to_theirs(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_bytes(b"from file")
    data = base64.b64encode(CERT).decode()
    inline = kubeconfig(
        tmp_path / "a", "x", **{"client-certificate-data": data, "client-certificate": "cert.pem"}
    )
    assert load_config(inline).client_cert == CERT
    by_name = kubeconfig(tmp_path / "b", "x", **{"client-certificate": "cert.pem"})
    assert load_config(by_name).client_cert == b"from file"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[", "not valid YAML"),
        ("a string", "not a kubeconfig"),
        ("{}", "no current context"),
        ("current-context: x", 'context "x" does not exist'),
        ("users: [{user: {}}]", "has no name"),
        ("clusters: {}", "is not a list"),
    ],
)
def test_what_cannot_be_used_is_an_error_that_says_why(
    tmp_path: Path, content: str, told: str
) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(InvalidConfig, match=told):
        load_config(path)


def test_a_broken_file_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("users: [{name: a, user: {token: hunter2")
    with pytest.raises(InvalidConfig) as caught:
        load_config(path)
    assert "hunter2" not in str(caught.value)


def test_bad_base64_is_an_error(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "a", "x", **{"client-key-data": "%%%"})
    with pytest.raises(InvalidConfig, match="client-key-data is not base64"):
        load_config(path)


def test_no_file_at_all_names_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="set KUBECONFIG"):
        load_config(environ={"KUBECONFIG": str(tmp_path / "missing")})


def test_the_repr_shows_no_credential() -> None:
    config = ClientConfig(
        "https://x", client_key=b"hunter2", token="hunter2", username="u", password="hunter2"
    )
    assert "hunter2" not in repr(config)
