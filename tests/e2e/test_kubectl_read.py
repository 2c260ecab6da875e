"""Looking at Secrets and at the API with the real kubectl."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from strongroom.resources.catalog import CATALOG
from strongroom.testing.process import Strongroom
from tests.e2e.kubectl import Kubectl


@pytest.fixture(autouse=True)
def secrets(kubectl: Kubectl) -> None:
    """Two Secrets to look at."""
    kubectl(
        "create", "secret", "generic", "db", "--from-literal=user=admin", "--from-literal=pw=t0p"
    )
    kubectl("label", "secret", "db", "tier=back")
    kubectl("create", "secret", "generic", "key", "--type=example.test/key")


def columns(text: str) -> list[list[str]]:
    """The cells of a printed table."""
    return [line.split() for line in text.splitlines()]


def test_get_as_a_table(kubectl: Kubectl) -> None:
    head, *rows = columns(kubectl("get", "secrets"))
    assert head == ["NAME", "TYPE", "DATA", "AGE"]
    assert [row[:3] for row in rows] == [["db", "Opaque", "2"], ["key", "example.test/key", "0"]]
    assert all(re.fullmatch(r"\d+s", row[3]) for row in rows)


def test_get_wide_has_the_same_columns(kubectl: Kubectl) -> None:
    assert columns(kubectl("get", "secrets", "-o", "wide"))[0] == ["NAME", "TYPE", "DATA", "AGE"]


def test_get_names(kubectl: Kubectl) -> None:
    assert kubectl("get", "secrets", "-o", "name") == "secret/db\nsecret/key\n"


def test_get_as_yaml(kubectl: Kubectl) -> None:
    secret = yaml.safe_load(kubectl("get", "secret", "db", "-o", "yaml"))
    metadata = secret.pop("metadata")
    assert secret == {
        "apiVersion": "v1",
        "kind": "Secret",
        "data": {"user": "YWRtaW4=", "pw": "dDBw"},
        "type": "Opaque",
    }
    assert set(metadata) == {
        "creationTimestamp",
        "labels",
        "name",
        "namespace",
        "resourceVersion",
        "uid",
    }  # fmt: skip - one set


def test_get_as_json_of_all_is_a_list(kubectl: Kubectl) -> None:
    listed = json.loads(kubectl("get", "secrets", "-o", "json"))
    assert listed["kind"] == "List"
    assert [item["metadata"]["name"] for item in listed["items"]] == ["db", "key"]


def test_get_by_jsonpath_and_template(kubectl: Kubectl) -> None:
    assert kubectl("get", "secret", "db", "-o", "jsonpath={.data.pw}") == "dDBw"
    template = "go-template={{.data.user | base64decode}}"
    assert kubectl("get", "secret", "db", "-o", template) == "admin"


def test_get_by_label(kubectl: Kubectl) -> None:
    assert kubectl("get", "secret", "-l", "tier=back", "-o", "name") == "secret/db\n"
    assert kubectl("get", "secret", "-l", "tier!=back", "-o", "name") == "secret/key\n"
    assert kubectl("get", "secret", "-l", "tier in (a,b)", "-o", "name") == ""
    head, row = columns(kubectl("get", "secret", "db", "-L", "tier"))
    assert (head[-1], row[-1]) == ("TIER", "back")


def test_get_by_field(kubectl: Kubectl) -> None:
    chosen = ("get", "secrets", "-o", "name", "--field-selector")
    assert kubectl(*chosen, "type=example.test/key") == "secret/key\n"
    assert kubectl(*chosen, "type!=Opaque,metadata.name=key") == "secret/key\n"
    assert kubectl.fails("get", "secrets", "--field-selector", "data.user=admin") == (
        'Error from server (BadRequest): Unable to find "/v1, Resource=secrets" that match label '
        'selector "", field selector "data.user=admin": field label not supported: data.user\n'
    )


def test_get_in_all_namespaces(kubectl: Kubectl) -> None:
    head, *rows = columns(kubectl("get", "secrets", "-A"))
    assert head == ["NAMESPACE", "NAME", "TYPE", "DATA", "AGE"]
    assert [kubectl.namespace, "db"] in [row[:2] for row in rows]


def test_get_what_is_not_there(kubectl: Kubectl) -> None:
    assert kubectl.fails("get", "secret", "nope") == (
        'Error from server (NotFound): secrets "nope" not found\n'
    )
    nothing = kubectl.run("get", "configmaps")
    assert (nothing.code, nothing.out) == (0, "")
    assert nothing.err == f"No resources found in {kubectl.namespace} namespace.\n"


def test_get_sorted(kubectl: Kubectl) -> None:
    newest = kubectl("get", "secrets", "--sort-by=.metadata.resourceVersion", "-o", "name")
    assert newest.split() == ["secret/db", "secret/key"]


def test_get_in_chunks_is_complete(kubectl: Kubectl) -> None:
    assert kubectl("get", "secrets", "--chunk-size=1", "-o", "name").split() == [
        "secret/db",
        "secret/key",
    ]


def test_get_watch_prints_each_change(kubectl: Kubectl) -> None:
    with kubectl.start("get", "secrets", "-w", "--no-headers", "--output-watch-events") as watch:
        assert watch.stdout is not None
        first = [watch.stdout.readline().split()[:2] for _ in range(2)]
        assert first == [["ADDED", "db"], ["ADDED", "key"]]
        kubectl("patch", "secret", "db", "-p", '{"stringData":{"third":"3"}}')
        assert watch.stdout.readline().split()[:4] == ["MODIFIED", "db", "Opaque", "3"]
        kubectl("delete", "secret", "key")
        assert watch.stdout.readline().split()[:2] == ["DELETED", "key"]
        watch.terminate()


def test_describe_shows_sizes_and_no_values(kubectl: Kubectl) -> None:
    assert kubectl("describe", "secret", "db") == (
        "Name:         db\n"
        f"Namespace:    {kubectl.namespace}\n"
        "Labels:       tier=back\n"
        "Annotations:  <none>\n"
        "\n"
        "Type:  Opaque\n"
        "\n"
        "Data\n"
        "====\n"
        "pw:    3 bytes\n"
        "user:  5 bytes\n"
    )


def test_explain_a_field(kubectl: Kubectl) -> None:
    told = kubectl("explain", "secret.immutable")
    assert told.startswith("KIND:       Secret\nVERSION:    v1\n\nFIELD: immutable <boolean>\n")


def test_explain_recursively(kubectl: Kubectl) -> None:
    told = kubectl("explain", "pod.spec.volumes", "--recursive")
    assert "FIELD: volumes <[]Volume>" in told
    for line in ("  secret\t<SecretVolumeSource>", "    secretName\t<string>"):
        assert line in told.splitlines()


def test_api_resources(kubectl: Kubectl) -> None:
    rows = columns(kubectl("api-resources", "--no-headers"))
    expected = sorted(
        [
            r.plural,
            *filter(None, [",".join(r.short_names)]),
            r.api_version,
            _yes(r.namespaced),
            r.kind,
        ]
        for r in CATALOG.all()
    )
    # Other tests of this server may have custom kinds at the time.
    built_in = {row[-3] for row in expected}
    assert sorted(row for row in rows if row[-3] in built_in) == expected


def _yes(value: bool) -> str:
    return "true" if value else "false"


def test_api_versions(kubectl: Kubectl) -> None:
    assert set(kubectl("api-versions").split()) >= {r.api_version for r in CATALOG.all()}


def test_version(kubectl: Kubectl) -> None:
    told = json.loads(kubectl("version", "-o", "json"))["serverVersion"]
    assert (told["major"], told["minor"]) == ("1", "37")
    assert told["gitVersion"].startswith("v1.37.0+strongroom-")


def test_raw_health(kubectl: Kubectl) -> None:
    for path in ("/livez", "/readyz", "/healthz"):
        assert kubectl("get", "--raw", path) == "ok"
    assert "check passed" in kubectl("get", "--raw", "/readyz?verbose")


def test_standard_namespaces(kubectl: Kubectl) -> None:
    head, *rows = columns(kubectl("get", "namespaces"))
    assert head == ["NAME", "STATUS", "AGE"]
    active = {row[0] for row in rows if row[1] == "Active"}
    assert active >= {"default", "kube-system", "kube-public", "kube-node-lease"}


def test_without_credentials_nothing_is_told(kubectl: Kubectl, api: Strongroom) -> None:
    (kubectl.directory / "bare").write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: "
        f"{{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{}}}}]\nclusters: [{{name: c, "
        f"cluster: {{insecure-skip-tls-verify: true, server: '{api.url}'}}}}]\n"
    )
    said = kubectl.fails("get", "secrets", "--kubeconfig=bare", "--token=wrong")
    assert "You must be logged in to the server" in said
