"""list: objects of a namespace or of all, whole or page by page."""

from __future__ import annotations

from strongroom.api.selectors import FieldSelector, LabelSelector
from strongroom.registry.options import ListOptions
from strongroom.server.call import Call, integer
from strongroom.server.negotiation import LIST_SHAPES
from strongroom.server.urls import flag
from strongroom.server.verbs.verb import ManyObjects, Verb


def list_options(call: Call) -> ListOptions:
    """What the query asks for. Raises StatusError 400 for what cannot be read."""
    target, query = call.target, call.query
    if not query:
        return ListOptions()
    initial = "sendInitialEvents"
    return ListOptions(
        label_selector=LabelSelector.parse(target.first("labelSelector")),
        field_selector=FieldSelector.parse(target.first("fieldSelector")),
        limit=max(integer(query, "limit") or 0, 0),
        continue_token=target.first("continue"),
        resource_version=target.first("resourceVersion"),
        resource_version_match=target.first("resourceVersionMatch"),
        send_initial_events=flag(query, initial) if initial in query else None,
    )


async def run(call: Call) -> ManyObjects:
    """List what is selected."""
    options = list_options(call)
    return ManyObjects(await call.registry.list(call.context(), call.target.namespace, options))


VERB = Verb(run, shapes=LIST_SHAPES)
