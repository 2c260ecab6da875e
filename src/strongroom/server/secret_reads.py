"""Notes who reads values of Secrets: a look into a dict for each read, written down elsewhere.

Only what sends values counts: tables and metadata, which most lists are for, do not, unless a table
brings the objects of its rows. A read of a whole namespace is one note, however many it sent.
"""

from __future__ import annotations

from strongroom.access.user import Attributes
from strongroom.api.audit import NAME, VALUES
from strongroom.registry.view import AnyView
from strongroom.resources.secretusage import ALL_SECRETS
from strongroom.server.call import Call
from strongroom.server.negotiation import holds_objects
from strongroom.server.verbs.verb import Events, ManyObjects, OneObject, Outcome

_LONGEST_NAME = 256
_MOST = 100_000
"""Notes that wait: beyond, what is read is not noted until some are written."""
_BY_NAME = "metadata.name="

_LONGEST_SELECTOR = 256

Note = tuple[str, str, str]
"""Namespace, name (or ``ALL_SECRETS``, or selectors as ``chosen`` reads them) and verb. An empty
namespace stands for all of them."""

_CHOSEN = "?"
"""Begins and parts selectors; no name and no selector has it."""


class SecretReads:
    """What was read since the last look, by its first reader. One for each process."""

    def __init__(self) -> None:
        self._notes: dict[Note, str] = {}

    def saw(self, call: Call, outcome: Outcome) -> None:
        """A request for Secrets was answered. Costs a get less than a microsecond."""
        if not _holds_values(call):
            return
        verb = call.target.verb
        if verb == "get" and isinstance(outcome, OneObject):
            view = outcome.view
            self._note(view.namespace, view.name, verb, call.attributes)
        elif verb == "list" and isinstance(outcome, ManyObjects):
            self._note_list(call, outcome.result.items)
        elif isinstance(outcome, Events) and not _by_name(call).startswith(_CHOSEN):
            # No Secret's name begins so: it would pass for selectors.
            self._note(call.target.namespace, _watched(call), "watch", call.attributes)

    def given(self, namespace: str, name: str, attributes: Attributes) -> None:
        """Values of a Secret were given by a reference to it, which another namespace has."""
        self._note(namespace, name, attributes.verb, attributes)

    def take(self) -> dict[Note, str]:
        """All notes, which begins new ones."""
        notes, self._notes = self._notes, {}
        return notes

    def _note_list(self, call: Call, views: list[AnyView]) -> None:
        if call.attributes.label_selector or call.attributes.field_selector:
            for view in views:
                self._note(view.namespace, view.name, "list", call.attributes)
        elif views:
            self._note(call.target.namespace, ALL_SECRETS, "list", call.attributes)

    def _note(self, namespace: str, name: str, verb: str, attributes: Attributes) -> None:
        if max(len(namespace), len(name)) > _LONGEST_NAME:
            return  # No Secret is called so: a watch for one shows nothing.
        key = namespace, name, verb
        if key not in self._notes and len(self._notes) < _MOST:
            self._notes[key] = attributes.user.name[:_LONGEST_NAME]


def tell_values(call: Call, outcome: Outcome) -> None:
    """Tell the audit log of how many Secrets, or states of one, the answer has values.

    Whatever the verb: a patch that changes nothing shows all that a get does.
    """
    if not _holds_values(call):
        return
    if isinstance(outcome, OneObject):
        call.request.annotations[VALUES] = "1"
        if call.target.verb == "create":
            call.request.annotations[NAME] = outcome.view.name
    elif isinstance(outcome, ManyObjects):
        call.request.annotations[VALUES] = str(len(outcome.result.items))
    elif isinstance(outcome, Events):
        call.request.annotations[VALUES] = "watch"


def _holds_values(call: Call) -> bool:
    return holds_objects(call.form, call.target.first("includeObject"))


def chosen(name: str) -> tuple[str, str] | None:
    """The field and label selectors that a note has in place of a name, if it has."""
    if not name.startswith(_CHOSEN):
        return None
    fields, _, labels = name[1:].partition(_CHOSEN)
    return fields, labels


def _by_name(call: Call) -> str:
    """The only name that a watch can show, as a node agent's; "" if it may show others."""
    fields, labels = call.attributes.field_selector, call.attributes.label_selector
    if call.target.namespace and not labels and fields.startswith(_BY_NAME) and "," not in fields:
        return call.target.name or fields.removeprefix(_BY_NAME)
    return call.target.name


def _watched(call: Call) -> str:
    """The name that a watch is for; its selectors, or all."""
    if name := _by_name(call):
        return name
    fields, labels = call.attributes.field_selector, call.attributes.label_selector
    if not fields and not labels:
        return ALL_SECRETS
    told = f"{_CHOSEN}{fields}{_CHOSEN}{labels}"
    # To call Secrets read that were not is better than to call them unused.
    return told if len(told) <= _LONGEST_SELECTOR and told.count(_CHOSEN) == 2 else ALL_SECRETS
