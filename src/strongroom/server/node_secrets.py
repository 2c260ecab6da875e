"""Secrets as nodes see them: a reference is what grants give of the Secret that it stands for.

To a node a reference is there while it gives something, and otherwise not: whether the Secret is
absent, or not granted, or the account is another, the answer is the same. So any kubelet can use
references without knowing of them, and a grant that ends is a deletion to its watch.

What is shown bears, as its resourceVersion, the revision as of which it was put together: the
Secret behind it, the grants and the pods change at revisions of their own, and clients count on a
later state having a greater one.
"""

from __future__ import annotations

from typing import Any, cast

from strongroom.access.authz.node import node_of
from strongroom.access.user import Attributes
from strongroom.api.audit import GRANTED_BY
from strongroom.api.errors import not_found
from strongroom.registry.context import RequestContext
from strongroom.registry.options import ListOptions, WatchOptions, parse_revision
from strongroom.registry.reading import ListResult
from strongroom.registry.registry import Registry
from strongroom.registry.selection import Selection
from strongroom.registry.view import AnyView
from strongroom.registry.watching import Batches
from strongroom.resources.secret import Secret
from strongroom.server.reference_watch import ReferenceWatch, Source
from strongroom.server.secret_reads import SecretReads
from strongroom.server.sharing import Resolved, Sharing, is_reference

_READS = frozenset({"get", "list", "watch"})


def for_node(
    registry: Registry[Any], sharing: Sharing, attributes: Attributes, reads: SecretReads | None
) -> Registry[Any]:
    """The registry of Secrets as who asks sees it: the same, but for nodes that ask for one."""
    if attributes.verb not in _READS or not (attributes.namespace and attributes.name):
        return registry
    node = node_of(attributes.user)
    if not node:
        return registry
    return cast("Registry[Any]", NodeSecrets(registry, sharing, node, attributes, reads))


class NodeSecrets:
    """What verbs that read want of a registry, for one request of a node for one Secret."""

    def __init__(
        self,
        registry: Registry[Secret],
        sharing: Sharing,
        node: str,
        attributes: Attributes,
        reads: SecretReads | None,
    ) -> None:
        self.resource = registry.resource
        self._registry = registry
        self._sharing = sharing
        self._node = node
        self._attributes = attributes
        self._reads = reads

    async def get(
        self,
        ctx: RequestContext,
        namespace: str,
        name: str,
        resource_version: str = "",
        *,
        subresource: str = "",
    ) -> AnyView:
        """The Secret, or what the reference gives. Raises StatusError as a registry."""
        view = await self._registry.get(
            ctx, namespace, name, resource_version, subresource=subresource
        )
        if self._sharing.target(namespace, name) is None:
            return view
        # Read once more: what decides is as new as this request, and so must the reference be.
        revision = await self._sharing.fresh()
        view = await self._registry.get(ctx, namespace, name, "0")
        shown = self._shown(ctx, view, revision)
        if shown is None:
            raise not_found(self.resource.group_resource, name)
        return shown

    async def list(
        self, ctx: RequestContext, namespace: str, options: ListOptions
    ) -> ListResult[Any]:
        """The one Secret, if it is there for the node."""
        result = await self._registry.list(ctx, namespace, options)
        if not any(self._sharing.target(view.namespace, view.name) for view in result.items):
            return result
        revision = await self._sharing.fresh()
        found = [self._shown(ctx, view, revision) for view in result.items]
        return ListResult([view for view in found if view is not None], result.revision)

    def watch(self, ctx: RequestContext, namespace: str, options: WatchOptions) -> Batches[Any]:
        """What becomes of the one Secret. Raises at once for a bad request, as a registry."""
        batches = self._registry.watch(ctx, namespace, options)
        chosen = Selection(self.resource, namespace, options.label_selector, options.field_selector)
        initial = bool(options.validated().send_initial_events)
        after = None if initial else parse_revision(options.resource_version)
        watch = ReferenceWatch(
            self._registry,
            self._sharing,
            self._node,
            (namespace, self._attributes.name),
            chosen.matches,
            after,
            lambda resolved: self._tell(ctx, resolved),
        )
        # The registry's iterators are generators.
        return watch.run(cast("Source", batches))

    def _shown(self, ctx: RequestContext, view: AnyView, revision: int) -> AnyView | None:
        if not is_reference(view):
            return view
        resolved = self._sharing.resolve(self._node, view)
        if resolved is None:
            return None
        self._tell(ctx, resolved)
        return self._registry.form.unstored(resolved.secret, view.namespace, view.name, revision)

    def _tell(self, ctx: RequestContext, resolved: Resolved) -> None:
        namespace, name = resolved.origin
        ctx.annotate(GRANTED_BY, f"{namespace}/{name} by {', '.join(resolved.grants)}")
        if self._reads is not None:
            self._reads.given(namespace, name, self._attributes)
