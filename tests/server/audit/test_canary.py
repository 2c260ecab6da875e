"""A value takes every way at every level of audit, and is then looked for in all that was written.

The ways of pods, kubectl and several processes are those of tests/e2e/aviary, with a policy
as talkative as the one here.
"""

import base64
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.api.apply.last_applied import ANNOTATION
from strongroom.resources.strongroom_annotations import SENSITIVE_KEYS
from tests.e2e.canary import CANARY, files_that_hold_it, holds, secret
from tests.server.audit.talking import Tree, of_namespace, policy, talking
from tests.server.conftest import Answer, Running
from tests.server.custom import define, definition, version

LEVELS = ("None", "Metadata", "Request", "RequestResponse")
ENCODED = base64.b64encode(CANARY.encode()).decode()
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"


def of_type(kind: str) -> dict[str, str]:
    return {"Content-Type": f"application/{kind}"}


class Ways:
    """The ways of the value in one namespace; each request must end with the code that it says."""

    def __init__(self, api: Running, namespace: str) -> None:
        self.api = api
        self.core = f"/api/v1/namespaces/{namespace}"
        self.own = f"/apis/strongroom.io/v1alpha1/namespaces/{namespace}"
        self.secrets = f"{self.core}/secrets"

    async def ask(self, code: int, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        answer = await self.api.ask(method, path, body, **more)
        assert answer.code == code, (method, path, answer.code)
        return answer

    async def writes(self) -> None:
        one = f"{self.secrets}/a"
        await self.ask(201, "POST", self.secrets, secret("a"))
        await self.ask(201, "POST", f"{self.secrets}?dryRun=All", secret("dry"))
        noted = json.dumps(secret("a", data={"x": ENCODED}, metadata={"odd": CANARY}))
        metadata = {"name": "a", "annotations": {ANNOTATION: noted}}
        await self.ask(200, "PUT", one, secret("a", data={"x": ENCODED}, metadata=metadata))
        for kind in ("merge-patch+json", "strategic-merge-patch+json"):
            change = {"data": {"b": ENCODED}, "stringData": {"c": CANARY}, "Data": {"d": CANARY}}
            await self.ask(200, "PATCH", one, change, headers=of_type(kind))
        steps = [
            {"op": "add", "path": "/data/e", "value": ENCODED},
            {"op": "test", "path": "/data/e", "value": ENCODED},
            {"op": "copy", "from": "/data/e", "path": "/data/f"},
        ]
        await self.ask(200, "PATCH", one, steps, headers=of_type("json-patch+json"))
        apply = of_type("apply-patch+yaml")
        body = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: b}}\ndata: {{a: {ENCODED}}}\n"
        for code, manager in ((201, "one"), (200, "one")):
            path = f"{self.secrets}/b?fieldManager={manager}&force=1"
            await self.ask(code, "PATCH", path, body.encode(), headers=apply)
        headers = {"Impersonate-User": "ann", "Impersonate-Group": "system:masters"}
        await self.ask(201, "POST", self.secrets, secret("as-ann"), headers=headers)

    async def reads(self) -> None:
        table = "application/json;as=Table;v=v1;g=meta.k8s.io"
        one = f"{self.secrets}/a"
        for accept in ("application/json", YAML, PROTOBUF, table):
            answer = await self.ask(200, "GET", one, headers={"Accept": accept})
            assert holds(answer.body) is (accept != table)
            await self.ask(200, "GET", self.secrets, headers={"Accept": accept})
        whole = {"Accept": table}
        await self.ask(200, "GET", f"{self.secrets}?includeObject=Object", headers=whole)
        # What kubectl's apply is told has the values in the annotation, too.
        await self.ask(200, "GET", one, headers={"Kubectl-Command": "kubectl apply"})
        sent = (await self.ask(200, "GET", one, headers={"Accept": PROTOBUF})).body
        await self.ask(200, "PUT", one, sent, headers=of_type(PROTOBUF.partition("/")[2]))

    async def history(self) -> None:
        shown = await self.ask(200, "GET", f"{self.own}/secretrevisions")
        revision = next(i for i in shown.json["items"] if i["spec"]["secretName"] == "a")
        assert holds(json.dumps(revision).encode())
        name = revision["metadata"]["name"]
        await self.ask(200, "GET", f"{self.own}/secretrevisions/{name}")
        # A rollback is an update with what a revision holds.
        await self.ask(200, "PUT", f"{self.secrets}/a", secret("a", data=revision["data"]))
        await self.ask(200, "DELETE", f"{self.secrets}/a")
        await self.ask(200, "DELETE", self.secrets)

    async def refusals(self) -> None:
        await self.ask(409, "POST", self.secrets, secret("a"))
        await self.ask(422, "POST", self.secrets, secret("Bad Name"))
        await self.ask(400, "POST", self.secrets, secret("n", data={"k": CANARY + " "}))
        await self.ask(422, "POST", self.secrets, secret("n", type="kubernetes.io/dockercfg"))
        await self.ask(422, "POST", self.secrets, secret("quoted"))
        await self.ask(400, "POST", f"{self.core}/configmaps", secret("n"))
        await self.ask(403, "POST", self.secrets, secret("n"), headers={"Impersonate-User": "ann"})
        await self.ask(401, "POST", self.secrets, secret("n"), identity="")
        bad = f'{{"data": {{"a": "{CANARY}"}}}}'.encode()
        await self.ask(422, "PATCH", f"{self.secrets}/a", bad, headers=of_type("merge-patch+json"))
        for step in ({"op": CANARY, "path": "/x"}, {"op": "add", "path": CANARY, "value": CANARY}):
            answer = await self.api.ask(
                "PATCH", f"{self.secrets}/a", [step], headers=of_type("json-patch+json")
            )
            assert answer.code >= 400
        other = base64.b64encode(f"{CANARY}2".encode()).decode()
        body = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: b}}\ndata: {{a: {other}}}\n"
        path = f"{self.secrets}/b?fieldManager=two"
        await self.ask(409, "PATCH", path, body.encode(), headers=of_type("apply-patch+yaml"))

    async def tokens(self) -> None:
        accounts = f"{self.core}/serviceaccounts"
        await self.ask(201, "POST", accounts, {"metadata": {"name": "bird"}})
        review = {"spec": {"token": CANARY}}
        await self.ask(201, "POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)
        bearer = {"Authorization": f"Bearer {CANARY}"}
        await self.ask(401, "GET", self.secrets, identity="", headers=bearer)

    async def other_kinds(self) -> None:
        marked = {"name": "c", "annotations": {SENSITIVE_KEYS: "a,b"}}
        maps = f"{self.core}/configmaps"
        body = {"metadata": marked, "data": {"a": CANARY}, "binaryData": {"b": ENCODED}}
        await self.ask(201, "POST", maps, body)
        change = {"data": {"a": f"{CANARY}2"}}
        await self.ask(200, "PATCH", f"{maps}/c", change, headers=of_type("merge-patch+json"))
        await self.ask(200, "GET", maps)
        safes = f"{self.core.replace('/api/v1', '/apis/a.b/v1')}/safes"
        safe = {"apiVersion": "a.b/v1", "kind": "Safe", "metadata": {"name": "s"}}
        work = [{"apiVersion": "v1", "kind": "Secret", "stringData": {"a": CANARY}}]
        await self.ask(201, "POST", safes, {**safe, "pin": CANARY, "work": work})
        await self.ask(200, "GET", f"{safes}/s")
        table = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
        assert holds((await self.ask(200, "GET", safes, headers=table)).body)
        wrong = {**safe, "metadata": {"name": "t"}, "pin": {"x": CANARY}}
        await self.ask(422, "POST", safes, wrong)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Running]:
    """A server with a namespace for each level, and RequestResponse everywhere else."""
    said = policy(*map(of_namespace, LEVELS), {"level": "RequestResponse"})
    async with talking(tmp_path, said) as api:
        await prepare(api)
        yield api


async def prepare(api: Running) -> None:
    """Namespaces, a kind with marked fields, and a policy that quotes values."""
    for level in LEVELS:
        await api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": level.lower()}})
    pin = {"type": "string", "format": "password"}
    kept = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    fields = {"pin": pin, "work": {"type": "array", "items": kept}}
    columns = [{"name": "Pin", "type": "string", "jsonPath": ".pin"}]
    schema = {"type": "object", "properties": fields}
    made = version(schema=schema, additionalPrinterColumns=columns)
    await define(api, definition(made, plural="safes", kind="Safe", group="a.b"))
    await quote(api)


async def quote(api: Running) -> None:
    """Have a policy refuse Secrets called "quoted", and another one note all: telling values."""
    rule: Tree = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["secrets"],
    }
    said = "'it is ' + (has(object.data) && 'a' in object.data ? string(object.data.a) : '')"
    noted = {"key": "said", "valueExpression": said}
    for name, action, allowed, notes in (
        ("quotes", "Deny", "object.metadata.name != 'quoted'", []),
        ("notes", "Audit", "false", [noted]),
    ):
        check = {"expression": allowed, "messageExpression": said}
        constraints = {"resourceRules": [rule]}
        spec = {"matchConstraints": constraints, "validations": [check], "auditAnnotations": notes}
        binding = {"policyName": name, "validationActions": [action]}
        for plural, content in (
            ("validatingadmissionpolicies", spec),
            ("validatingadmissionpolicybindings", binding),
        ):
            body = {"metadata": {"name": name}, "spec": content}
            assert (await api.ask("POST", f"{ADMISSION}/{plural}", body)).code == 201


async def test_the_value_is_written_nowhere(
    api: Running, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for level in LEVELS:
        ways = Ways(api, level.lower())
        for way in (ways.writes, ways.reads, ways.refusals, ways.tokens, ways.other_kinds):
            await way()
        await ways.history()
    assert files_that_hold_it(tmp_path) == []
    assert not any(holds(str(vars(record)).encode()) for record in caplog.records)
    for path in ("/metrics", "/api/v1/events", "/readyz?verbose"):
        assert not holds((await api.ask("GET", path)).body), path
    check_that_bodies_were_told(api)


def check_that_bodies_were_told(api: Running) -> None:
    """Else there would be nothing to find."""
    assert "it is <secret contents redacted>" in str(api.audit_events())
    told: dict[str, set[str]] = {level: set() for level in LEVELS}
    for event in api.audit_events():
        namespace = event.get("objectRef", {}).get("namespace", "")
        if event["stage"] != "ResponseComplete" or namespace not in map(str.lower, LEVELS):
            continue
        level = next(level for level in LEVELS if level.lower() == namespace)
        text = json.dumps(event)
        told[level] |= {f for f in ("requestObject", "responseObject", "hmac-sha256:") if f in text}
        # Use of Secrets is on record at every level, and at none in less.
        assert event["level"] == (level if level != "None" else "Metadata")
    assert told == {
        "None": set(),
        "Metadata": set(),
        "Request": {"requestObject", "hmac-sha256:"},
        "RequestResponse": {"requestObject", "responseObject", "hmac-sha256:"},
    }
