"""What the registry asks of those who write further objects together with its own.

The registry of one kind knows no other: whoever builds it may hand it one who does.
"""

from __future__ import annotations

from typing import Protocol

from strongroom.api.meta import Object
from strongroom.registry.context import RequestContext
from strongroom.registry.view import AnyView
from strongroom.storage.port import Beside


class Companions(Protocol):
    """Says what is written beside each object of a kind, in the same transaction."""

    def beside(
        self,
        ctx: RequestContext,
        view: AnyView | None,
        new: Object | None,
        old: Object | None = None,
    ) -> Beside:
        """The further keys of a write that was judged and is about to be done.

        ``view`` is the object as the store holds it (None: it is created), ``new`` what replaces
        it (None: it is removed); neither may be changed. ``old`` is the view's object, from those
        who have decoded it anyway. Called again for every attempt: another write may have come
        between.
        """
        ...


class NoCompanions:
    """Nothing is written beside the objects of most kinds."""

    def beside(
        self,
        ctx: RequestContext,
        view: AnyView | None,
        new: Object | None,
        old: Object | None = None,
    ) -> Beside:
        """Nothing."""
        return ()


NONE = NoCompanions()
