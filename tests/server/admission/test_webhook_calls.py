"""What webhooks are asked, what they may answer, and what becomes of those that misbehave."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import Any

import pytest
from aiohttp import web

from tests.server.admission.conftest import MODULE, World
from tests.server.admission.hooks import answer, deny, make_certificate, patch

pytestmark = MODULE

MAPS = "/api/v1/namespaces/default/configmaps"
MARK = "a-value-that-nobody-may-see"


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


async def failure(world: World, **changes: Any) -> str:
    """The message of a creation that a validating webhook fails, which holds no value."""
    await world.register("validating", "failing", world.webhook("/f", **changes))
    refused = await world.ask("POST", MAPS, config_map("failing", value=MARK))
    assert refused.code == 500
    assert MARK not in refused.body.decode()
    message: str = refused.json["message"]
    start = 'Internal error occurred: failed calling webhook "f.example.com": '
    assert message.startswith(start)
    return message.removeprefix(start)


async def test_what_a_webhook_is_asked(world: World) -> None:
    world.hooks.on["/all"] = answer
    rule = {"operations": ["*"], "resources": ["configmaps"]}
    await world.register("validating", "all", world.webhook("/all", rule=rule))
    created = await world.ask("POST", f"{MAPS}?fieldManager=me&dryRun=All", config_map("asked"))
    assert created.code == 201
    await world.ask("POST", MAPS, config_map("asked", a="1"))
    await world.ask("PUT", f"{MAPS}/asked", config_map("asked", a="2"))
    await world.ask("DELETE", f"{MAPS}/asked?gracePeriodSeconds=5")
    dry, create, update, delete = (r["request"] for r in world.hooks.reviews("/all"))
    kind = {"group": "", "version": "v1", "kind": "ConfigMap"}
    resource = {"group": "", "version": "v1", "resource": "configmaps"}
    for request in (dry, create, update, delete):
        assert request["kind"] == request["requestKind"] == kind
        assert request["resource"] == request["requestResource"] == resource
        assert (request["name"], request["namespace"]) == ("asked", "default")
        assert request["userInfo"]["username"] == "kubernetes-admin"
        assert "system:masters" in request["userInfo"]["groups"]
    assert len({request["uid"] for request in (dry, create, update, delete)}) == 4
    assert [r["operation"] for r in (create, update, delete)] == ["CREATE", "UPDATE", "DELETE"]
    assert (dry["dryRun"], create["dryRun"]) == (True, False)
    version = "meta.k8s.io/v1"
    assert dry["options"] == {
        "kind": "CreateOptions",
        "apiVersion": version,
        "dryRun": ["All"],
        "fieldManager": "me",
    }
    assert update["options"] == {"kind": "UpdateOptions", "apiVersion": version}
    assert delete["options"] == {
        "kind": "DeleteOptions",
        "apiVersion": version,
        "gracePeriodSeconds": 5,
    }
    assert (create["object"]["data"], create["oldObject"]) == ({"a": "1"}, None)
    assert (create["object"]["kind"], create["object"]["apiVersion"]) == ("ConfigMap", "v1")
    assert (update["object"]["data"], update["oldObject"]["data"]) == ({"a": "2"}, {"a": "1"})
    assert (delete["object"], delete["oldObject"]["data"]) == (None, {"a": "2"})


async def test_warnings_and_audit_annotations(world: World) -> None:
    world.hooks.on["/notes"] = lambda review: answer(
        review, warnings=["mind the gap"], auditAnnotations={"why": "because"}
    )
    await world.register("validating", "notes", world.webhook("/notes"))
    await world.register("mutating", "notes", world.webhook("/notes"))
    made = await world.ask("POST", f"{MAPS}?dryRun=All", config_map("noted"))
    assert made.headers.getall("warning") == ['299 - "mind the gap"']
    events = [e for e in world.api.audit_events() if e["auditID"] == made.headers["audit-id"]]
    (event,) = events
    assert event["annotations"]["notes.example.com/why"] == "because"
    told = event["annotations"]["mutation.webhook.admission.k8s.io/round_0_index_0"]
    assert json.loads(told) == {
        "configuration": "notes",
        "webhook": "notes.example.com",
        "mutated": False,
    }


@pytest.mark.parametrize(
    ("status", "code", "reason", "message"),
    [
        (None, 400, "", "without explanation"),
        ({}, 400, "", "without explanation"),
        ({"message": "no", "code": 200}, 400, "", ": no"),
        ({"reason": "Teapot", "code": 418}, 418, "Teapot", ": Teapot"),
        ({"message": "no", "code": 99999}, 400, "", ": no"),
    ],
)
async def test_refusals(
    world: World, status: dict[str, Any] | None, code: int, reason: str, message: str
) -> None:
    more = {} if status is None else {"status": status}
    world.hooks.on["/refuse"] = lambda review: answer(review, allowed=False, **more)
    await world.register("validating", "refuse", world.webhook("/refuse"))
    refused = await world.ask("POST", MAPS, config_map("refused"))
    assert (refused.code, refused.json.get("reason", "")) == (code, reason)
    text = 'admission webhook "refuse.example.com" denied the request'
    assert refused.json["message"] == (text + (message if message[0] == ":" else f" {message}"))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (web.Response(text=f"{MARK} {{"), "couldn't get version/kind; json parse error"),
        (web.json_response([MARK]), "json: cannot unmarshal array"),
        (web.json_response({"response": None}), "webhook response was absent"),
        (
            web.json_response({"response": {"uid": "other", "allowed": True}}),
            'got "other"',
        ),
        (
            web.json_response({"response": {"uid": MARK * 9, "allowed": True}}),
            "got another",
        ),
        (web.Response(status=404, text=MARK), "could not find the requested resource"),
        (web.Response(status=500, text=MARK), 'an error on the server ("unknown")'),
        (
            web.Response(status=307, headers={"Location": f"/{MARK}"}),
            "the server answered with a redirect (307), which is not followed",
        ),
        (
            web.Response(body=b"x", headers={"Content-Encoding": "gzip"}),
            "the answer is encoded, which was not asked for",
        ),
    ],
)
async def test_webhooks_that_answer_nonsense(
    world: World, made: web.Response, expected: str
) -> None:
    world.hooks.on["/f"] = lambda review: web.Response(
        body=made.body, status=made.status, headers=made.headers
    )
    assert expected in await failure(world)
    assert len(world.hooks.asked) == 1


async def test_an_answer_without_end_is_not_read_to_its_end(world: World) -> None:
    sent = 0

    async def flood(review: dict[str, Any]) -> web.StreamResponse:
        nonlocal sent
        request = world.hooks.current
        assert request is not None
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while sent < 64 * 1024 * 1024:
                await response.write(b"x" * 65536)
                sent += 65536
                # Writing alone may never give way, and then the end is not heard of.
                await asyncio.sleep(0)
        return response

    world.hooks.on["/f"] = flood
    assert "the answer is larger than 8388608 bytes" in await failure(world)
    assert sent < 64 * 1024 * 1024


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({"patch": "W10=", "patchType": None}, "response.patch but not response.patchType"),
        ({"patchType": "JSONPatch"}, "response.patchType but not response.patch"),
        ({"patch": "e30=", "patchType": "Strategic"}, 'unsupported patch type "Strategic"'),
        ({"patch": "e30=", "patchType": "JSONPatch"}, "received undecodable patch"),
        ({"patch": "x", "patchType": "JSONPatch"}, "failed to call webhook: "),
    ],
)
async def test_patches_that_are_none(world: World, response: dict[str, Any], expected: str) -> None:
    world.hooks.on["/patch"] = lambda review: answer(review, **response)
    await world.register("mutating", "patch", world.webhook("/patch"))
    refused = await world.ask("POST", MAPS, config_map("patched"))
    assert refused.code == 500
    assert 'failed calling webhook "patch.example.com": ' in refused.json["message"]
    assert expected in refused.json["message"]


async def test_a_patch_that_does_not_apply_is_no_matter_of_policy(world: World) -> None:
    world.hooks.on["/patch"] = lambda review: patch(review, {"op": "remove", "path": "/data/none"})
    await world.register("mutating", "patch", world.webhook("/patch", failurePolicy="Ignore"))
    refused = await world.ask("POST", MAPS, config_map("patched"))
    start = "Internal error occurred:"
    assert (refused.code, refused.json["message"]) == (
        500,
        f'{start} the patch of admission webhook "patch.example.com" does not apply',
    )


async def test_owners_of_fields_that_a_webhook_spoils_are_put_back(world: World) -> None:
    value = [{"manager": "m", "operation": "Rule", "apiVersion": "v1", "fieldsType": "FieldsV1"}]
    step = {"op": "add", "path": "/metadata/managedFields", "value": value}
    world.hooks.on["/owners"] = lambda review: patch(review, step)
    await world.register("mutating", "owners", world.webhook("/owners"))
    made = await world.ask(
        "POST", f"{MAPS}?dryRun=All&fieldManager=me", config_map("owners", a="b")
    )
    (entry,) = made.json["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("me", "Update")
    (warning,) = made.headers.getall("warning")
    assert ".metadata.managedFields was in an invalid state after admission" in warning


async def test_nothing_can_be_patched_in_a_deletion(world: World) -> None:
    world.hooks.on["/gone"] = lambda review: patch(review, {"op": "add", "path": "/x", "value": 1})
    await world.ask("POST", MAPS, config_map("gone"))
    await world.register(
        "mutating", "gone", world.webhook("/gone", rule={"operations": ["DELETE"]})
    )
    refused = await world.ask("DELETE", f"{MAPS}/gone")
    assert refused.code == 500
    assert "attempted to modify the object, which is not supported" in refused.json["message"]
    await world.tidy()
    await world.ask("DELETE", f"{MAPS}/gone")


async def test_a_validating_webhook_may_not_patch(world: World) -> None:
    world.hooks.on["/f"] = lambda review: patch(review, {"op": "remove", "path": "/data"})
    assert await failure(world) == (
        "received invalid webhook response: validating webhook may not return response.patch"
    )


async def test_a_certificate_of_nobody_we_know(world: World, tmp_path: Any) -> None:
    other, _ = make_certificate(tmp_path)
    bundle = base64.b64encode(other).decode()
    world.hooks.on["/f"] = answer
    config = world.hooks.config("/f", caBundle=bundle)
    message = await failure(world, clientConfig=config)
    assert message.endswith(
        "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    )
    assert world.hooks.asked == []


async def test_a_certificate_of_another_name(world: World) -> None:
    world.hooks.on["/f"] = answer
    url = f"https://localhost:{world.hooks.port}/f"
    message = await failure(world, clientConfig=world.hooks.config("/f", url=url))
    assert "tls: failed to verify certificate: x509: " in message
    assert world.hooks.asked == []


async def test_failing_open_is_on_record(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.hooks.on["/open"] = lambda review: web.Response(status=500)
    webhook = world.webhook("/open", failurePolicy="Ignore")
    await world.register("validating", "open", webhook)
    await world.register("mutating", "open", webhook)
    made = await world.ask("POST", f"{MAPS}?dryRun=All", config_map("open"))
    assert made.code == 201
    (event,) = [e for e in world.api.audit_events() if e["auditID"] == made.headers["audit-id"]]
    for kind in ("validating", "mutation"):
        key = f"failed-open.{kind}.webhook.admission.k8s.io/round_0_index_0"
        assert event["annotations"][key] == "open.example.com"
    logged = [r for r in caplog.records if r.message == "webhook failed open"]
    assert [record.__dict__["fields"] for record in logged] == [{"webhook": "open.example.com"}] * 2


async def test_who_may_have_effects_bars_dry_runs(world: World) -> None:
    world.hooks.on["/effects"] = answer
    some = world.webhook("/effects") | {"sideEffects": "NoneOnDryRun"}
    await world.register("validating", "effects", some)
    assert (await world.ask("POST", f"{MAPS}?dryRun=All", config_map("dry"))).code == 201
    refused = await world.register("validating", "more", some | {"sideEffects": "Some"})
    assert refused.code == 422


async def test_validating_webhooks_are_asked_at_the_same_time(world: World) -> None:
    arrived: list[str] = []
    both = asyncio.Event()

    async def wait(review: dict[str, Any]) -> web.Response:
        arrived.append(review["request"]["uid"])
        if len(arrived) == 2:
            both.set()
        await both.wait()
        return deny(review, "one") if len(arrived) == 2 else answer(review)

    world.hooks.on |= {"/one": wait, "/two": wait}
    await world.register("validating", "both", world.webhook("/one"), world.webhook("/two"))
    refused = await world.ask("POST", MAPS, config_map("both"))
    assert 'admission webhook "one.example.com" denied' in refused.json["message"]


async def test_a_connection_serves_many_calls(world: World) -> None:
    world.hooks.on["/kept"] = answer
    await world.register("validating", "kept", world.webhook("/kept"))
    before = len(world.hooks.connections)
    for _ in range(5):
        await world.ask("POST", f"{MAPS}?dryRun=All", config_map("kept"))
    assert len(world.hooks.connections) <= before + 1
    assert len(world.hooks.asked) == 5


async def test_reinvocation_when_a_later_webhook_changed_the_object(world: World) -> None:
    def add(name: str) -> Any:
        def step(review: dict[str, Any]) -> web.Response:
            if name in review["request"]["object"]["data"]:
                return answer(review)
            return patch(review, {"op": "add", "path": f"/data/{name}", "value": "yes"})

        return step

    world.hooks.on |= {"/early": add("early"), "/never": add("never"), "/late": add("late")}
    webhooks = [
        world.webhook("/early", reinvocationPolicy="IfNeeded"),
        world.webhook("/never"),
        world.webhook("/late", reinvocationPolicy="IfNeeded"),
    ]
    await world.register("mutating", "rounds", *webhooks)
    made = await world.ask("POST", f"{MAPS}?dryRun=All", config_map("rounds", a="b"))
    assert made.json["data"] == {"a": "b", "early": "yes", "never": "yes", "late": "yes"}
    assert [path for path, _ in world.hooks.asked] == ["/early", "/never", "/late", "/early"]


async def test_namespaces_and_objects_are_selected_by_their_labels(world: World) -> None:
    world.hooks.on["/some"] = deny
    await world.ask(
        "POST", "/api/v1/namespaces", {"metadata": {"name": "watched", "labels": {"watch": "me"}}}
    )
    selector = {"matchExpressions": [{"key": "watch", "operator": "In", "values": ["me"]}]}
    await world.register("validating", "some", world.webhook("/some", namespaceSelector=selector))
    inside = "/api/v1/namespaces/watched/configmaps"
    assert (await world.ask("POST", inside, config_map("in"))).code == 400
    assert (await world.ask("POST", f"{MAPS}?dryRun=All", config_map("out"))).code == 201


async def test_conditions_that_cannot_be_judged(world: World) -> None:
    world.hooks.on["/odd"] = answer
    conditions = [{"name": "odd", "expression": "object.data.none == 'x'"}]
    await world.register("validating", "odd", world.webhook("/odd", matchConditions=conditions))
    refused = await world.ask("POST", MAPS, config_map("odd", a="b"))
    assert (refused.code, refused.json["message"]) == (
        403,
        'configmaps "odd" is forbidden: no such key: none',
    )
    assert world.hooks.asked == []


async def test_equivalent_versions_of_a_resource(world: World) -> None:
    world.hooks.on |= {"/same": answer, "/exact": answer}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["events"]}
    await world.register("validating", "same", world.webhook("/same", rule=rule))
    exact = world.webhook("/exact", rule=rule, matchPolicy="Exact")
    await world.register("validating", "exact", exact)
    event = {
        "metadata": {"name": "e"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "example.com/test",
        "reportingInstance": "me",
        "action": "Testing",
        "reason": "Test",
        "type": "Normal",
        "note": "a note",
    }
    path = "/apis/events.k8s.io/v1/namespaces/default/events?dryRun=All"
    made = await world.ask("POST", path, event)
    assert made.code == 201, made.body
    ((_, review),) = world.hooks.asked
    request = review["request"]
    assert request["resource"] == {"group": "", "version": "v1", "resource": "events"}
    assert request["requestResource"]["group"] == "events.k8s.io"
    assert request["object"]["apiVersion"] == "v1"
    assert request["object"]["message"] == "a note"


async def test_a_webhook_behind_a_missing_service(world: World) -> None:
    world.hooks.on["/behind"] = deny
    service = {"name": "hook", "namespace": "default", "path": "/behind"}
    config = world.hooks.config("/behind", service=service)
    del config["url"]
    await world.register("validating", "behind", world.webhook("/behind", clientConfig=config))
    refused = await world.ask("POST", MAPS, config_map("behind"))
    assert refused.json["message"].endswith(
        'Post "https://hook.default.svc:443/behind?timeout=10s": service "hook" not found'
    )
