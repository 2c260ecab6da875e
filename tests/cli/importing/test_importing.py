"""`strongroom import` into a real API server, from another one and from snapshot files."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner, Result

from strongroom.api.apply.last_applied import ANNOTATION as LAST_APPLIED
from strongroom.api.errors import StatusError
from strongroom.api.meta import Object, ObjectMeta
from strongroom.api.protobuf import encode_protobuf
from strongroom.cli.importing.kinds import Wanted
from strongroom.cli.importing.origins import ClusterOrigin, Come
from strongroom.cli.importing.telling import Result as Became
from strongroom.cli.importing.telling import Tally
from strongroom.cli.importing.writing import Conflict, DryRun, Writer
from strongroom.cli.main import main
from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.resources.configmap import CONFIG_MAPS, ConfigMap
from strongroom.resources.namespace import NAMESPACES, Namespace
from strongroom.resources.resource import Resource
from strongroom.resources.secret import SECRETS, Secret
from strongroom.storage.encryption.secretbox import SecretboxTransformer
from strongroom.storage.encryption.stored import prefix_of
from strongroom.testing.process import Strongroom
from tests.snapshot.files import Put, database, summed

T = TypeVar("T")

VALUE = "czNjcjN0"
"""What no output may tell."""
CONFIGURATION = f"""\
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - secretbox: {{keys: [{{name: key1, secret: {base64.b64encode(bytes(32)).decode()}}}]}}
  - identity: {{}}
"""


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strongroom]:
    """The cluster to import from."""
    with Strongroom.start(tmp_path_factory.mktemp("old"), "apiserver") as room:
        yield room


def bring(api: Strongroom, *arguments: str) -> Result:
    result = CliRunner().invoke(main, ["import", *arguments, "--kubeconfig", str(api.kubeconfig)])
    assert VALUE not in result.output
    assert base64.b64decode(VALUE).decode() not in result.output
    return result


def counts(result: Result) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(result.stdout)
    return facts


def secret(namespace: str, name: str, value: str = VALUE, **more: Any) -> dict[str, Any]:
    """A Secret as a cluster shows and stores it."""
    meta = {"name": name, "namespace": namespace, **more.pop("metadata", {})}
    tree = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque"}
    return {**tree, "data": {"password": value}, **more}


def in_store(*objects: dict[str, Any]) -> list[Put]:
    """How a cluster stores these, in JSON and in the clear."""
    return [
        Put(_key(tree), json.dumps(tree).encode(), revision)
        for revision, tree in enumerate(objects, 2)
    ]


def _key(tree: dict[str, Any]) -> str:
    meta = tree["metadata"]
    place = f"{meta['namespace']}/" if "namespace" in meta else ""
    return f"/registry/{tree['kind'].lower()}s/{place}{meta['name']}"


def write(file: Path, *puts: Put) -> Path:
    file.write_bytes(summed(database(sorted(puts, key=lambda put: put.main))))
    return file


def talk(room: Strongroom, work: Callable[[Client], Awaitable[T]]) -> T:
    async def connected() -> T:
        async with Client(load_config(str(room.kubeconfig))) as client:
            return await work(client)

    return asyncio.run(connected())


def make(room: Strongroom, *objects: tuple[Resource[Any], Object]) -> None:
    async def work(client: Client) -> None:
        for resource, obj in objects:
            await client.create(resource, obj)

    talk(room, work)


def read(room: Strongroom, namespace: str, name: str) -> Secret:
    return talk(room, lambda client: client.get(SECRETS, name, namespace))


def namespace(name: str, **labels: str) -> tuple[Resource[Any], Object]:
    return NAMESPACES, Namespace(metadata=ObjectMeta(name=name, labels=labels))


def test_from_a_cluster(api: Strongroom, old: Strongroom) -> None:
    meta = ObjectMeta(
        name="db",
        namespace="shop",
        labels={"app": "shop"},
        annotations={"note": "n", LAST_APPLIED: VALUE},
        finalizers=["example.com/x"],
    )
    plain = Secret(metadata=meta, data={"password": base64.b64decode(VALUE)})
    helm = Secret(metadata=ObjectMeta(name="h", namespace="shop"), type="helm.sh/release.v1")
    other = Secret(metadata=ObjectMeta(name="other", namespace="web"), data={"a": b"1"})
    settings = ConfigMap(metadata=ObjectMeta(name="settings", namespace="shop"), data={"a": "1"})
    make(old, namespace("shop", team="a"), namespace("web"), (SECRETS, plain), (SECRETS, helm))
    make(old, (SECRETS, other), (CONFIG_MAPS, settings))
    source = ("--from-kubeconfig", str(old.kubeconfig))

    for how in ("client", "server"):
        tried = bring(api, *source, "-n", "shop", "--dry-run", how)
        assert tried.exit_code == 0, tried.output
        assert f"dry run ({how}): nothing was written" in tried.stdout
        assert "namespaces made: shop" in tried.stdout
    with pytest.raises(StatusError, match="not found"):
        read(api, "shop", "db")

    kinds = ("--resources", "secrets,configmaps")
    done = bring(api, *source, "-n", "shop", *kinds)
    assert done.exit_code == 0, done.output
    assert "1 left out: history of helm's releases (--helm-releases)" in done.stdout
    assert "without their finalizers" in done.stderr
    assert "secrets shop/db" in done.stderr
    found = read(api, "shop", "db")
    assert found.data == plain.data
    assert found.metadata.labels == {"app": "shop"}
    assert found.metadata.annotations == {"note": "n"}
    assert found.metadata.finalizers == []
    made = talk(api, lambda client: client.get(NAMESPACES, "shop"))
    assert made.metadata.labels["team"] == "a"

    again = counts(bring(api, *source, "-A", *kinds, "-o", "json"))
    one = {"imported": 1, "replaced": 0, "skipped": 0, "unchanged": 1}
    assert again["resources"]["secrets"] == one
    assert again["resources"]["configmaps"]["unchanged"] == 1
    assert again["namespacesMade"] == ["web"]
    assert any("kube-system" in reason for reason in again["leftOut"])
    assert read(api, "web", "other").data == {"a": b"1"}


def test_a_cluster_that_does_not_answer_is_named(api: Strongroom, tmp_path: Path) -> None:
    other = tmp_path / "config"
    other.write_text(api.kubeconfig.read_text().replace(str(api.port), "1"))
    wrong = bring(api, "--from-kubeconfig", str(other), "-A")
    assert wrong.exit_code == 1
    assert wrong.stderr.startswith("error: https://127.0.0.1:1: ")


def test_from_a_snapshot_that_is_encrypted(api: Strongroom, tmp_path: Path) -> None:
    """JSON and protobuf, under a key of the configuration and in the clear; one key is lost."""
    in_protobuf = encode_protobuf(
        Secret(
            metadata=ObjectMeta(name="binary", namespace="sealed", uid="u", labels={"app": "x"}),
            data={"password": base64.b64decode(VALUE)},
        ),
        api_version="v1",
        kind="Secret",
    )
    sealed = SecretboxTransformer(bytes(32))
    puts = in_store(secret("sealed", "text"), secret("sealed", "clear"))
    key, lost = "/registry/secrets/sealed/binary", "/registry/secrets/sealed/lost"
    box = prefix_of("secretbox", "key1")
    puts = [
        Put(puts[0].key, box + sealed.to_storage(puts[0].value or b"", context=b""), 2),
        puts[1],
        Put(key, box + sealed.to_storage(in_protobuf, context=key.encode()), 4),
        Put(lost, prefix_of("aescbc", "gone") + bytes(48), 5),
        Put("/registry/secrets/sealed/torn", b"k8s\0torn", 6),
        Put("/registry/namespaces/sealed", json.dumps(NAMED).encode(), 7),
    ]
    file = write(tmp_path / "snapshot.db", *puts)
    configuration = tmp_path / "enc.yaml"
    configuration.write_text(CONFIGURATION)
    given = ("--snapshot", str(file), "--encryption-provider-config", str(configuration))

    done = bring(api, *given, "-n", "sealed")
    assert done.exit_code == 1
    assert "secrets sealed/lost: stored with aescbc key 'gone'" in done.stderr
    assert "secrets sealed/torn: what is stored is no such object" in done.stderr
    assert "error: 2 not imported" in done.stderr
    for name in ("text", "clear", "binary"):
        assert read(api, "sealed", name).data == {"password": base64.b64decode(VALUE)}
    assert read(api, "sealed", "binary").metadata.uid != "u"
    made = talk(api, lambda client: client.get(NAMESPACES, "sealed"))
    assert made.metadata.labels["team"] == "b"

    chosen = counts(bring(api, *given, "-n", "sealed", "-l", "app=x", "-o", "json"))
    assert chosen["resources"]["secrets"]["unchanged"] == 1


NAMED = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "sealed", "labels": {"team": "b"}, "uid": "old"},
    "spec": {"finalizers": ["kubernetes"]},
    "status": {"phase": "Active"},
}


def plain(name: str, value: bytes, **more: Any) -> Secret:
    more = {"type": "Opaque", **more}
    return Secret(
        metadata=ObjectMeta(name=name, namespace="clash"), data={"password": value}, **more
    )


def test_conflicts(api: Strongroom, tmp_path: Path) -> None:
    there = [
        plain("same", base64.b64decode(VALUE)),
        plain("data", b"1"),
        plain("fixed", b"1", immutable=True),
        plain("type", b"1", type="example.com/a"),
    ]
    make(api, namespace("clash"), *((SECRETS, one) for one in there))
    names = [one.metadata.name for one in there]
    uids = {name: read(api, "clash", name).metadata.uid for name in names}
    coming = [Come(SECRETS, name, "clash", plain(name, base64.b64decode(VALUE))) for name in names]
    elsewhere = Come(SECRETS, "same", "wanted", plain("other", b"1"))
    coming.append(elsewhere)

    def put(conflict: Conflict) -> Tally:
        async def work(client: Client) -> Tally:
            writer = Writer(client, ClusterOrigin(client), DryRun.NONE, conflict)
            await writer.write(coming, Wanted((SECRETS,)))
            return writer.tally

        return talk(api, work)

    failed = put(Conflict.FAIL).failures
    failed.remove((str(elsewhere), "what is found there says that it is another object"))
    assert sorted(name for name, _ in failed) == [
        f"secrets clash/{name}" for name in ("data", "fixed", "type")
    ]
    assert {why for _, why in failed} == {
        "is there already and says something else (--on-conflict)"
    }
    assert put(Conflict.SKIP).results["secrets", Became.SKIPPED] == 3
    assert read(api, "clash", "data").data == {"password": b"1"}

    # What the server would not take costs nothing of what is there.
    coming[:] = [Come(SECRETS, "type", "clash", plain("type", b"2", type="kubernetes.io/tls"))]
    ((_, why),) = put(Conflict.REPLACE).failures
    assert "data[tls.crt]: Required value" in why
    assert read(api, "clash", "type").metadata.uid == uids["type"]

    file = write(tmp_path / "snapshot.db", *in_store(*(secret("clash", name) for name in names)))
    done = bring(api, "--snapshot", str(file), "-n", "clash", "--on-conflict", "replace")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1].split() == ["secrets", "0", "3", "1", "0"]
    for name, uid in uids.items():
        found = read(api, "clash", name)
        assert found.data == {"password": base64.b64decode(VALUE)}
        # What may be changed is changed, so that whoever follows it sees that.
        assert (found.metadata.uid == uid) is (name in ("data", "same"))


def test_a_store_without_anything_imports_nothing(api: Strongroom, tmp_path: Path) -> None:
    file = write(tmp_path / "snapshot.db", Put("/k3s/secrets/a/b", b"{}", 2))
    wrong = bring(api, "--snapshot", str(file), "-A")
    assert wrong.exit_code == 1
    assert "nothing is stored below /registry" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-A",), "name one to import from"),
        (("--snapshot", "f", "--from-context", "old", "-A"), "name one to import from"),
        (("--snapshot", "f"), "say -n NAMESPACE"),
        (("--snapshot", "f", "-A", "-n", "a"), "say -n NAMESPACE"),
        (("--snapshot", "f", "-A", "--resources", "pods"), "cannot import 'pods'"),
        (("--snapshot", "f", "-n", "a", "--resources", "clusterroles"), "say -A"),
        (("--snapshot", "f", "-A", "-l", "a in"), "-l: "),
        (("--from-kubeconfig", "SELF", "-A"), "that is the cluster itself"),
        (
            ("--from-context", "a", "-A", "--encryption-provider-config", "f"),
            "is for --snapshot and --etcd-servers",
        ),
    ],
)
def test_wrong_usage(api: Strongroom, arguments: tuple[str, ...], told: str) -> None:
    given = [str(api.kubeconfig) if word == "SELF" else word for word in arguments]
    wrong = bring(api, *given)
    assert wrong.exit_code == 2
    assert told in wrong.stderr
