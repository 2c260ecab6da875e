"""`strongroom secret edit`: a Secret in an editor, decoded, and nowhere but in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from strongroom.cli.people import Failure, People, people_options

if TYPE_CHECKING:
    from strongroom.cli.secret.change import Outcome, Wanted
    from strongroom.cli.secret.document import Document
    from strongroom.cli.secret.memory import Scratch
    from strongroom.client.client import Client
    from strongroom.resources.secret import Secret


@click.command("edit")
@click.argument("name")
@people_options
@click.option(
    "--continue",
    "kept",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Go on with the text of an edit that failed.",
)
def command(people: People, name: str, kept: Path | None) -> None:
    """Edit Secret NAME in KUBE_EDITOR or EDITOR, with its values decoded.

    The text lies in memory (a tmpfs), for this user only, and is wiped afterwards. What the server
    refuses comes back into the editor with the reason; what others changed meanwhile stays, unless
    it is the same key. To cancel, leave the text as it is.

    \b
    Examples:
      strongroom secret edit db
      EDITOR=nano strongroom secret edit db -n shop
    """
    from strongroom.cli.secret.change import tell
    from strongroom.cli.secret.fingerprint import Fingerprints
    from strongroom.cli.secret.memory import scratch
    from strongroom.resources.secret import SECRETS

    namespace = people.namespace
    base = people.run(lambda client: client.get(SECRETS, name, namespace))
    with scratch(name, kept) as file:
        outcome = _Session(people, namespace, base, file).run(file.read() if kept else "")
    if outcome is None:
        people.say("Edit cancelled, no changes made.", err=True)
    else:
        tell(people, outcome, Fingerprints(), "text", "")


@dataclass(slots=True)
class _Session:
    """One edit: the editor is called again until its text is taken, or given up."""

    people: People
    namespace: str
    base: Secret
    file: Scratch

    def run(self, text: str) -> Outcome | None:
        """What was changed; None when nothing was. Begins with ``text``, if there is any.

        Raises Failure: the text is kept then, unless it is the editor that failed.
        """
        from strongroom.cli.secret.document import Unreadable, document_of, dump, load

        original = document_of(self.base)
        body, problem = text or dump(original), ""
        while True:
            edited = self._edited(body, problem, cancels=not text)
            if edited is None:
                return None
            body = edited
            try:
                wanted = load(body)
            except Unreadable as error:
                problem = str(error)
                continue
            if wanted == original:
                return None
            try:
                return self._store(original, wanted)
            except _Refused as refused:
                problem = str(refused)
            except _Overlap as overlap:
                problem = str(overlap)
                self.base = self.people.run(self._read)
                mine, original = _difference(original, wanted), document_of(self.base)
                body = dump(_applied(mine, original))

    def _edited(self, body: str, problem: str, *, cancels: bool) -> str | None:
        """The text as the editor leaves it; None to cancel.

        The same text again cancels, or gives up what was refused; saving it again insists.
        """
        from strongroom.cli.secret.editor import edit

        shown = _head(self.base, problem) + _without_head(body)
        self.file.write(shown)
        before = self.file.state
        edit(self.file.file)
        edited = self.file.read()
        if not _without_head(edited).strip() or (edited == shown and not problem and cancels):
            return None
        if edited == shown and problem and self.file.state == before:
            raise self._given_up(problem)
        return edited

    def _store(self, original: Document, wanted: Document) -> Outcome:
        """Store the changes. Raises _Refused, _Overlap: there is something to do in the editor."""
        from strongroom.cli.secret.change import store

        name = self.base.metadata.name

        def wanted_of(old: Secret | None) -> Wanted:
            if old is None or old.metadata.uid != self.base.metadata.uid:
                raise Failure(f"secret {name} was deleted meanwhile")
            if both := _changed_by_both(original, wanted, old):
                raise _Overlap(both)
            return _difference(original, wanted)

        try:
            return self.people.run(lambda client: store(client, self.namespace, name, wanted_of))
        except Failure as error:
            if getattr(error.__cause__, "code", 0) in (400, 403, 422):
                raise _Refused(error.message) from None
            raise self._given_up(error.message) from error

    async def _read(self, client: Client) -> Secret:
        from strongroom.resources.secret import SECRETS

        return await client.get(SECRETS, self.base.metadata.name, self.namespace)

    def _given_up(self, problem: str) -> Failure:
        self.file.keep = True
        return Failure(
            f"{problem}\nYour text is kept in memory until you log out or restart. Go on with it:\n"
            f"  strongroom secret edit {self.base.metadata.name} --continue {self.file.file}"
        )


class _Refused(Exception):
    """The server does not take the text; its words say why."""


class _Overlap(Exception):
    """Others have changed the same keys since they were read. Names keys, not values."""

    def __init__(self, keys: list[str]) -> None:
        names = ", ".join(keys)
        super().__init__(
            f"others have changed {names} meanwhile; save again to replace what they wrote"
        )


def _changed_by_both(original: Document, wanted: Document, now: Secret) -> list[str]:
    """The keys that the text changes, and others have changed to something else since."""
    before, mine = original.data, wanted.data
    return sorted(
        key
        for key in before.keys() | mine.keys()
        if mine.get(key) != before.get(key)
        and now.data.get(key) not in (before.get(key), mine.get(key))
    )


def _difference(original: Document, wanted: Document) -> Wanted:
    """What the text changes, and no more."""
    from strongroom.cli.secret.change import Wanted

    return Wanted(
        data={k: v for k, v in wanted.data.items() if original.data.get(k) != v},
        removed=frozenset(original.data.keys() - wanted.data.keys()),
        labels=_changes(original.labels, wanted.labels),
        annotations=_changes(original.annotations, wanted.annotations),
        immutable=wanted.immutable and not original.immutable,
    )


def _applied(changes: Wanted, document: Document) -> Document:
    """The document with these changes."""
    data = {k: v for k, v in document.data.items() if k not in changes.removed}
    return replace(
        document,
        data=data | changes.data,
        labels=_with(document.labels, changes.labels),
        annotations=_with(document.annotations, changes.annotations),
        immutable=document.immutable or changes.immutable,
    )


def _with(entries: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    return {key: text for key, text in {**entries, **changes}.items() if text is not None}


def _changes(before: dict[str, str], after: dict[str, str]) -> dict[str, str | None]:
    changed: dict[str, str | None] = {k: v for k, v in after.items() if before.get(k) != v}
    return changed | dict.fromkeys(before.keys() - after.keys())


_MARK = "#~ "
"""Begins the lines that are ours; comments of the person's own stay."""


def _head(secret: Secret, problem: str) -> str:
    meta = secret.metadata
    lines = [
        f"Secret {meta.name} in namespace {meta.namespace}, of type {secret.type}.",
        "Values are decoded text; put one with * & ! # or quotes in it into 'single quotes'.",
        "Save to change the Secret; leave the text as it is to cancel.",
    ]
    lines += [f"NOT STORED: {line}" for line in problem.splitlines()]
    return "".join(f"{_MARK}{line}\n" for line in lines)


def _without_head(text: str) -> str:
    return "".join(line for line in text.splitlines(True) if not line.startswith(_MARK))
