"""Creating ``serviceaccounts/token``: a token for an account."""

from __future__ import annotations

from strongroom.server.call import Call
from strongroom.server.tokenrequests import TokenRequests
from strongroom.server.verbs.body import decode_object, write_context
from strongroom.server.verbs.verb import OneObject, Verb


def token_verb(requests: TokenRequests) -> Verb:
    """The verb; the answer is 201 with the request, and the token in it."""

    async def run(call: Call) -> OneObject:
        ctx, target = write_context(call, "CreateOptions"), call.target
        view = await requests.answer(ctx, target.namespace, target.name, call.body)
        return OneObject(view, 201)

    return Verb(run, decode_object)
