"""Creating ``pods/binding``: the scheduler gives a pod its node."""

from __future__ import annotations

from strongroom.api.errors import Status
from strongroom.registry.pod_binding import bind
from strongroom.resources.pod_binding import Binding
from strongroom.server.call import Call
from strongroom.server.verbs.body import read_body, write_context
from strongroom.server.verbs.verb import Done, Verb


async def decode_binding(call: Call) -> None:
    """Read the Binding. Raises StatusError 400, 413, 415."""
    call.body = (await read_body(call, Binding, kind="Binding")).obj


async def run(call: Call) -> Done:
    """Bind; the answer is 201 with a Status, as upstream's."""
    ctx, target = write_context(call, "CreateOptions"), call.target
    await bind(call.registry, ctx, target.namespace, target.name, call.body)
    return Done(Status(kind="Status", apiVersion="v1", status="Success", code=201), 201)


VERB = Verb(run, decode_binding)
