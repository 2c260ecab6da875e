"""Events reach a real server, once for each message, with their count."""

from __future__ import annotations

from typing import Any

from strongroom.client.client import Client
from strongroom.client.config import load_config
from strongroom.client.errors import Unreachable
from strongroom.client.events import EventRecorder, reference
from strongroom.client.transport import Response
from strongroom.resources.event import EVENTS
from strongroom.resources.secret import SECRETS
from strongroom.testing.process import Strongroom
from tests.client.test_client import secret


async def test_the_same_message_is_counted(client: Client, namespace: str) -> None:
    made = await client.create(SECRETS, secret("a"), namespace)
    about = reference(made, "data{k}")
    recorder = EventRecorder(client, component="tester", host="here")
    recorder.start()
    for message in ("one", "two", "one", "one"):
        recorder.record(about, "Warning", "Tested", message)
    await recorder.close()
    found = {e.message: e for e in (await client.list(EVENTS, namespace)).items}
    assert {message: event.count for message, event in found.items()} == {"one": 3, "two": 1}
    event = found["one"]
    assert event.metadata.name.startswith("a.")
    assert (event.type, event.reason) == ("Warning", "Tested")
    assert (event.source.component, event.source.host) == ("tester", "here")
    assert event.involvedObject.fieldPath == "data{k}"
    assert event.involvedObject.uid == about.uid


async def test_a_deleted_event_is_made_anew(client: Client, namespace: str) -> None:
    made = await client.create(SECRETS, secret("a"), namespace)
    about = reference(made)
    recorder = EventRecorder(client, component="tester")
    recorder.start()
    recorder.record(about, "Normal", "Tested", "one")
    await recorder.close()
    await client.delete_collection(EVENTS, namespace)
    recorder.start()
    recorder.record(about, "Normal", "Tested", "one")
    await recorder.close()
    (event,) = (await client.list(EVENTS, namespace)).items
    assert event.count == 1


class Away(Client):
    """Does not reach its server the first two times."""

    failures = 2

    async def request(self, *args: Any, **kwargs: Any) -> Response:
        if self.failures:
            self.failures -= 1
            raise Unreachable("away")
        return await super().request(*args, **kwargs)


async def test_an_event_waits_for_a_server_that_is_away(
    api: Strongroom, client: Client, namespace: str
) -> None:
    made = await client.create(SECRETS, secret("a"), namespace)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with Away(load_config(api.kubeconfig)) as away:
        recorder = EventRecorder(away, component="tester", sleep=sleep)
        recorder.start()
        recorder.record(reference(made), "Normal", "Tested", "one")
        await recorder.close()
    assert len((await client.list(EVENTS, namespace)).items) == 1
    assert len(slept) == 2
