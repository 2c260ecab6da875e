"""Keeps what Secrets held: a revision is written with the change that ends it, or neither is.

Changes arrive here judged, in the middle of a compare-and-swap, so what is taken for the old state
is what the change replaces. What is kept beyond the limit goes in the same transaction; what
becomes too old, or too much, is seen to by :mod:`strongroom.server.history_pruning`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from strongroom.access.admission.port import AdmissionPlugin
from strongroom.access.user import Attributes, User
from strongroom.api.meta import Object, ObjectMeta
from strongroom.registry.companions import NONE, Companions
from strongroom.registry.context import RequestContext
from strongroom.registry.registry import Registry
from strongroom.registry.uids import new_uid
from strongroom.registry.view import AnyView, Form
from strongroom.resources.resource import Resource
from strongroom.resources.secret import SECRETS, Secret
from strongroom.resources.secret_history import is_another_state, limit_of, revision_of, unusable
from strongroom.resources.secretrevision import (
    SECRET_REVISIONS,
    SecretRevision,
    revision_name,
    revision_number,
)
from strongroom.server.kinds import Kinds
from strongroom.storage.port import Beside

MOST_AT_ONCE = 64
"""Revisions that one write removes; more of them are left to the next write, or to pruning."""


class SecretHistory:
    """What is written beside a Secret. ``limit`` revisions are kept where nobody says otherwise.

    Until ``attach`` there is no history: nothing is written before the registries have started.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._form: Form[SecretRevision] = Form(SECRET_REVISIONS)
        self._revisions: Registry[SecretRevision] | None = None
        self._namespaces: Registry[Any] | None = None

    def of(self, resource: Resource[Any]) -> Companions:
        """What is written beside the objects of a kind."""
        return self if resource is SECRETS else NONE

    def judges(
        self, resource: Resource[Any], plugins: Sequence[AdmissionPlugin]
    ) -> Sequence[AdmissionPlugin]:
        """Who judges writes of a kind. Nobody is shown a revision that goes: its values stay here.

        Clients can do no more with one than delete it.
        """
        return () if resource is SECRET_REVISIONS else plugins

    def attach(self, kinds: Kinds) -> None:
        """Begin: the registries are there."""
        self._revisions = kinds.registry(SECRET_REVISIONS.group, SECRET_REVISIONS.plural)
        self._namespaces = kinds.registry("", "namespaces")

    def beside(
        self,
        ctx: RequestContext,
        view: AnyView | None,
        new: Object | None,
        old: Object | None = None,
    ) -> Beside:
        """The revision of the state that ends, and the removal of what is not to be kept."""
        if old is None and view is not None:
            old = view.peek()
        # Of a Secret that is deleted its last state says what is to be kept.
        shown = new if new is not None else old
        if self._revisions is None or not isinstance(shown, Secret):
            return ()
        if new is not None and (text := unusable(shown.metadata.annotations)):
            ctx.tell(text)
        namespace, name = shown.metadata.namespace, shown.metadata.name
        kept = self._kept(self._revisions, namespace, name)
        ends = view is not None and isinstance(old, Secret) and is_another_state(old, new)
        if not ends and not kept:
            return ()
        limit = self.limit(namespace, shown.type, shown.metadata.annotations)
        changes: list[tuple[str, bytes | None]] = []
        if limit and view is not None and isinstance(old, Secret) and ends:
            key = SECRET_REVISIONS.key(namespace, revision_name(name, view.revision))
            changes.append((key, self._form.encode(_ended(ctx, old, view.revision, new))))
            kept = [other for other in kept if other != key]
        too_many = len(kept) + len(changes) - limit
        changes += [(key, None) for key in kept[: min(max(too_many, 0), MOST_AT_ONCE)]]
        return changes

    def limit(self, namespace: str, kind: str, own: Mapping[str, str]) -> int:
        """How many revisions are kept now of a Secret of a type with these annotations."""
        annotations: dict[str, str] = {}
        meta = self._namespace(namespace)
        if meta is not None:
            if meta.deletionTimestamp:
                # Everything in the namespace goes: nothing is to come after it has been emptied.
                return 0
            annotations = meta.annotations
        return limit_of(self._limit, kind, own, annotations)

    def _namespace(self, name: str) -> ObjectMeta | None:
        """The metadata of a namespace; None when there is none, or it cannot be read."""
        if self._namespaces is None:
            return None
        entry = self._namespaces.cache.get(self._namespaces.resource.key("", name))
        if entry is None or entry.error is not None:
            return None
        found: ObjectMeta = entry.item.obj.metadata
        return found

    def _kept(self, revisions: Registry[SecretRevision], namespace: str, name: str) -> list[str]:
        """Keys of the revisions of a Secret as the cache has them, from the oldest on.

        One that has just gone may still be there, and is removed once more, which does nothing.
        """
        if not len(revisions.cache):
            return []
        prefix = SECRET_REVISIONS.prefix(namespace)
        found = [
            (number, entry.key)
            for entry in revisions.cache.list(f"{prefix}{name}.").items
            if (number := revision_number(entry.key.removeprefix(prefix), name)) is not None
        ]
        return [key for _, key in sorted(found)]


def _ended(ctx: RequestContext, old: Secret, revision: int, new: Object | None) -> SecretRevision:
    """The state that ends with this request."""
    user = ctx.user.name if isinstance(ctx.user, User) else ""
    verb = ctx.attributes.verb if isinstance(ctx.attributes, Attributes) else ""
    operation = "delete" if new is None else "patch" if verb == "patch" else "update"
    return revision_of(old, revision, new_uid(), ctx.now, user, operation)
