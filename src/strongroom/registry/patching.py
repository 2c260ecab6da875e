"""Patch (``endpoints/handlers/patch.go``): a change worked out from the present object.

The patch is applied inside the compare-and-swap loop, so it is always applied to what it replaces.
Only a patch that itself says a resourceVersion can meet a conflict.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from strongroom.api import codec
from strongroom.api.errors import bad_request, not_found
from strongroom.api.jsontext import most_values, read_json
from strongroom.api.lenient import UnreadableError
from strongroom.api.meta import Object
from strongroom.api.patch import PatchType, apply_patch, find_in_patch, refuse_findings
from strongroom.api.strict import find_duplicates
from strongroom.registry.context import RequestContext
from strongroom.registry.ownership import Ownership
from strongroom.registry.updating import Change, Updater
from strongroom.registry.view import View
from strongroom.registry.writing import match_name, match_namespace

T = TypeVar("T", bound=Object)


class Patcher(Generic[T]):
    """Patches objects of one kind."""

    def __init__(self, updater: Updater[T]) -> None:
        self._updater = updater

    async def patch(
        self,
        ctx: RequestContext,
        namespace: str,
        name: str,
        patch_type: PatchType,
        body: bytes,
        subresource: str,
    ) -> View[T]:
        """Apply a patch.

        Raises StatusError 400 (malformed, or it changes name or namespace), 404, 409, 422 (it does
        not apply, or makes an invalid object), and whatever admission refuses with.
        """
        resource = self._updater.resource
        projector = self._updater.projector(subresource)
        type_ = projector.form.resource.type if projector else resource.type

        def make(old: T | None) -> T:
            if old is None:
                raise not_found(resource.group_resource, name)
            tree = apply_patch(patch_type, codec.to_tree(old), body, type_)
            new = codec.from_tree(tree, type_)
            self._report(ctx, patch_type, body, tree, type_)
            match_namespace(resource, new, namespace)
            match_name(new, name)
            return new

        part = self._updater.part(subresource)
        return await self._updater.apply(ctx, Change(namespace, name, make, part))

    async def apply(
        self,
        ctx: RequestContext,
        namespace: str,
        name: str,
        body: bytes,
        subresource: str,
        *,
        force: bool,
    ) -> View[T]:
        """Apply a configuration in YAML, and make the object where there is none.

        Raises StatusError 400 (malformed, another kind or name), 404 (a subresource of nothing),
        409 (others own what it would change), 422, 500 (it does not fit the type), and whatever
        admission refuses with.
        """
        resource = self._updater.resource
        config = self._configuration(ctx, body)
        ownership: Ownership[Any] = self._updater.ownership
        if projector := self._updater.projector(subresource):
            ownership = projector.ownership

        def make(old: T | None) -> T:
            new: T = ownership.applied(ctx, old, config, subresource, force=force)
            match_namespace(resource, new, namespace)
            match_name(new, name)
            return new

        part = self._updater.part(subresource)
        change = Change(namespace, name, make, part, creates=True, tracked=False)
        return await self._updater.apply(ctx, change)

    def _configuration(self, ctx: RequestContext, body: bytes) -> dict[str, Any]:
        findings: list[str] = []
        tree = self._as_json(body)
        if tree is None:
            # As in the codec: few are YAML.
            from strongroom.api import yaml_text

            try:
                tree, findings = yaml_text.load(body)
            except yaml_text.YAMLError as error:
                raise bad_request(f"error encoding patch: {error}") from None
        if not isinstance(tree, dict):
            raise bad_request("error decoding patch: it is not an object")
        if findings and ctx.field_validation == "Strict":
            raise bad_request(f"error strict decoding patch: {', '.join(findings)}")
        if ctx.field_validation == "Warn":
            for text in findings:
                ctx.tell(text)
        return tree

    def _as_json(self, body: bytes) -> Any:
        """The configuration if it is JSON without fault, which kubectl sends; YAML is slow."""
        if not body.startswith(b"{"):
            return None
        try:
            tree = read_json(body, codec.MAX_DEPTH, most_values(self._updater.resource.type))
        except UnreadableError:
            return None  # YAML has words for it
        return None if find_duplicates(body, tree) else tree

    def _report(
        self,
        ctx: RequestContext,
        patch_type: PatchType,
        body: bytes,
        tree: dict[str, Any],
        type_: type[Object],
    ) -> None:
        """Tell of unknown and repeated fields, as ``fieldValidation`` asks."""
        if ctx.field_validation == "Ignore":
            return
        findings = find_in_patch(patch_type, body, tree, type_)
        if findings and ctx.field_validation == "Strict":
            raise refuse_findings(findings)
        for text in findings:
            ctx.tell(text)
