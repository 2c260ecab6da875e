"""Notes who reads values of Secrets: a look into a dict for each read, written down elsewhere.

Only what sends values counts: tables and metadata, which most lists are for, do not. A read of a
whole namespace is one note, however many Secrets it sent.
"""

from __future__ import annotations

from strongroom.registry.view import AnyView
from strongroom.resources.secretusage import ALL_SECRETS
from strongroom.server.call import Call
from strongroom.server.verbs.verb import Events, ManyObjects, OneObject, Outcome

_LONGEST_NAME = 256
_MOST = 100_000
"""Notes that wait: beyond, what is read is not noted until some are written."""
_BY_NAME = "metadata.name="

Note = tuple[str, str, str]
"""Namespace, name (or ``ALL_SECRETS``) and verb. An empty namespace stands for all of them."""


class SecretReads:
    """What was read since the last look, by its first reader. One for each process."""

    def __init__(self) -> None:
        self._notes: dict[Note, str] = {}

    def saw(self, call: Call, outcome: Outcome) -> None:
        """A request for Secrets was answered. Costs a get less than a microsecond."""
        if call.form.shape:
            return
        verb = call.target.verb
        if verb == "get" and isinstance(outcome, OneObject):
            view = outcome.view
            self._note(view.namespace, view.name, verb, call)
        elif verb == "list" and isinstance(outcome, ManyObjects):
            self._note_list(call, outcome.result.items)
        elif isinstance(outcome, Events):
            self._note(call.target.namespace, _watched(call), "watch", call)

    def take(self) -> dict[Note, str]:
        """All notes, which begins new ones."""
        notes, self._notes = self._notes, {}
        return notes

    def _note_list(self, call: Call, views: list[AnyView]) -> None:
        if call.attributes.label_selector or call.attributes.field_selector:
            for view in views:
                self._note(view.namespace, view.name, "list", call)
        elif views:
            self._note(call.target.namespace, ALL_SECRETS, "list", call)

    def _note(self, namespace: str, name: str, verb: str, call: Call) -> None:
        key = namespace, name, verb
        if key not in self._notes and len(self._notes) < _MOST:
            self._notes[key] = call.attributes.user.name[:_LONGEST_NAME]


def _watched(call: Call) -> str:
    """The only name that a watch can show, as a node agent's; all, where anything else is chosen.

    What a watch by labels will show nobody knows before: to call Secrets read that were not is
    better than to call them unused.
    """
    if call.target.name:
        return call.target.name
    chosen = call.attributes.field_selector
    one = chosen.startswith(_BY_NAME) and "," not in chosen
    return chosen.removeprefix(_BY_NAME) if one and call.target.namespace else ALL_SECRETS
