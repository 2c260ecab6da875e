"""What a kind declares beyond its fields: names, scope, rules and behaviour.

A :class:`Resource` is the strategy that the generic registry is driven by. The registry calls it in
this order, on objects that it may change freely:

- create: ``default`` → ``prepare_for_create`` → admission (elsewhere) → ``validate`` → stored
- update: ``default`` → ``prepare_for_update`` → admission → ``validate_update`` → stored
- delete: ``begin_deletion`` says whether the object goes at once or is marked first
- ``removed_by_update`` says after any update whether a marked object is to go now

Subclasses override what differs. Nothing here does I/O, and no hook may keep a reference to the
objects that it is given. ``now`` is the moment of the request in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, Protocol, TypeVar

from strongroom.api.errors import FieldError, GroupKind, GroupResource
from strongroom.api.meta import DeleteOptions, Object

T = TypeVar("T", bound=Object)


class Requester(Protocol):
    """Who makes a request, as kinds that keep it write it down."""

    @property
    def name(self) -> str: ...
    @property
    def uid(self) -> str: ...
    @property
    def groups(self) -> Sequence[str]: ...
    @property
    def extra(self) -> Mapping[str, Sequence[str]]: ...


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A column of ``kubectl get``: ``priority`` above 0 shows with ``-o wide`` only."""

    name: str
    cell: Callable[[T, datetime], Any]
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Projection(Generic[T]):
    """How a subresource shows an object as one of another kind, such as ``scale`` does.

    ``resource`` is that kind: its type, its rules (``validate``) and its columns. ``read`` makes
    the shown object, metadata included, without changing what it is given; ``write(shown, obj)``
    carries into ``obj`` what the path may change (``metadata.resourceVersion`` is carried by the
    registry) and may raise StatusError. ``owned`` pairs the path of each field of the shown object
    that ``write`` carries over with its path in the object, for the owners of fields.

    The changed object then goes through the rules of its own kind, as if it was updated as a
    whole; admission is shown the other kind.
    """

    resource: Resource[Any]
    read: Callable[[T], Object]
    write: Callable[[Any, T], T]
    owned: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Subresource(Generic[T]):
    """A part of an object with a path and rights of its own, such as ``status``.

    ``merge(new, old)`` makes the object to store when ``new`` arrives by this path: it starts from
    ``old`` and takes over only what the subresource may change. ``validate(new, old)`` judges it.
    A subresource with a ``projection`` takes and answers another kind, and has neither of them; so
    has one that is only created, which ``takes`` objects of another kind and answers them.
    """

    name: str
    merge: Callable[[T, T], T] = lambda new, old: new
    validate: Callable[[T, T], list[FieldError]] = lambda new, old: []
    stamp: Callable[[T, T, datetime], None] = lambda new, old, now: None
    """Dates what ``merge(new, old)`` made, before owners and rules look at it."""
    verbs: tuple[str, ...] = ("get", "patch", "update")
    projection: Projection[T] | None = None
    takes: Resource[Any] | None = None

    @property
    def other(self) -> Resource[Any] | None:
        """The kind that goes by this path, if it is another one."""
        return self.projection.resource if self.projection else self.takes


@dataclass(frozen=True, slots=True)
class StoredForm(Generic[T]):
    """How a kind is stored whose stored form differs from the served one.

    Stored values say ``api_version`` and ``kind`` and are read as ``type``. Neither function
    changes what it is given, but what it makes may share parts with it. ``from_stored`` raises
    ValueError for an object that cannot be served; its text must not quote the object.
    ``from_stored(to_stored(obj))`` equals ``obj``.
    """

    api_version: str
    kind: str
    type: type[Object]
    to_stored: Callable[[T], Object]
    from_stored: Callable[[Any], T]


@dataclass(frozen=True, slots=True)
class Resource(Generic[T]):
    """One kind as the API serves it. Instances are registered in ``resources/catalog.py``."""

    group: str
    version: str
    kind: str
    plural: str
    type: type[T]
    namespaced: bool
    singular: str = ""
    list_kind: str = ""
    """Kind of its lists if it is not the kind with ``List`` appended."""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    columns: tuple[Column[T], ...] = ()
    subresources: tuple[Subresource[T], ...] = ()
    verbs: tuple[str, ...] = (
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "update",
        "watch",
    )
    field_selectors: Mapping[str, Callable[[T], str]] = field(default_factory=dict)
    """Selectable fields beyond ``metadata.name`` and ``metadata.namespace``."""
    storage_prefix: str = ""
    """Where upstream stores the kind below ``/registry/`` if it is not the plural name."""
    stored: StoredForm[T] | None = None
    """How objects are stored; None when as they are served."""
    deprecation: str = ""
    """What every request to this version is warned of, if anything."""
    answered: bool = False
    """Whether objects are questions: they can only be created, are answered and never stored."""
    any_finalizer: bool = False
    """Whether finalizers need not be qualified by a domain, as those of core kinds must be."""
    unconditional_update: bool = True
    create_on_update: bool = False
    dependents: Literal["delete", "orphan", "ignore"] = "delete"
    """What becomes of an object's dependents when neither the request nor the object's finalizers
    say; ``ignore``: objects of this kind own nothing, whatever the request says."""
    adds_unowned: bool = False
    """Whether what ``prepare_for_create`` adds belongs to nobody instead of to the creator."""

    @property
    def group_resource(self) -> GroupResource:
        return GroupResource(self.group, self.plural)

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)

    @property
    def api_version(self) -> str:
        """``v1`` or ``GROUP/VERSION``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def subresource(self, name: str) -> Subresource[T] | None:
        """The subresource of this name, if the kind has it."""
        return next((s for s in self.subresources if s.name == name), None)

    def prefix(self, namespace: str = "") -> str:
        """Storage prefix of all objects, or of one namespace's; ends with a slash."""
        root = f"/registry/{self.storage_prefix or self.plural}/"
        return f"{root}{namespace}/" if namespace else root

    def key(self, namespace: str, name: str) -> str:
        """Storage key of an object; the same as kube-apiserver's."""
        return self.prefix(namespace if self.namespaced else "") + name

    def default(self, obj: T) -> None:
        """Fill in what upstream's defaulting fills in. Must not fail on invalid objects."""

    def prepare_for_create(self, obj: T, now: datetime) -> None:
        """Clear what clients may not set (status), set what the server decides."""

    def prepare_for_requester(self, obj: T, user: Any) -> None:
        """Write down who makes a new object (a :class:`Requester`), for kinds that keep it.

        Comes after ``prepare_for_create``.
        """

    def prepare_for_update(self, new: T, old: T, now: datetime) -> None:
        """Carry over from ``old`` what this path may not change; raise ``generation``."""

    def validate(self, obj: T) -> list[FieldError]:
        """All findings on a new object, metadata excepted (the registry checks that)."""
        return []

    def validate_update(self, new: T, old: T) -> list[FieldError]:
        """All findings on a change, including those of ``validate`` that still apply."""
        return self.validate(new)

    def validate_name(self, name: str, *, prefix: bool = False) -> list[str]:
        """What is wrong with a name (or with a generateName when ``prefix``); DNS subdomain."""
        from strongroom.api.validation import dns_subdomain

        return dns_subdomain(name, prefix=prefix)

    def warnings(self, new: T, old: T | None) -> list[str]:
        """Texts for HTTP ``Warning`` headers on create and update."""
        return []

    def begin_deletion(self, obj: T, options: DeleteOptions, now: datetime) -> bool:
        """Decide graceful deletion.

        True: the object goes at once. False: it was marked (deletionTimestamp and grace period set
        on ``obj``, which the registry stores) and goes when a later delete says so.
        """
        return True

    def deletion_warnings(self, options: DeleteOptions) -> list[str]:
        """Texts for HTTP ``Warning`` headers on delete and deletecollection."""
        return []

    def removed_by_update(self, new: T, old: T) -> bool:
        """Whether this update ends a deletion under way: the object is removed, not stored.

        True when the object was marked, its grace is over and the last finalizer has gone.
        """
        return (
            bool(old.metadata.deletionTimestamp)
            and not old.metadata.deletionGracePeriodSeconds
            and not new.metadata.finalizers
        )

    def complete_for_apply(self, obj: T) -> bool:
        """Show ``obj``, as a whole, the way `kubectl apply` compares it; whether that changed it.

        What is stored, and what all others read, stays as it is.
        """
        return False

    def columns_of(self, obj: T, now: datetime) -> Sequence[Any]:
        """The cells of this object's row, one for each column."""
        return [column.cell(obj, now) for column in self.columns]
