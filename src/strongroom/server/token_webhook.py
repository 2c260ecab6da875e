"""The webhook that is asked whose bearer tokens are, put together and followed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from strongroom.access.authn.webhook import WebhookTokens
from strongroom.api.clock import Clock
from strongroom.kubeconfig import InvalidKubeconfig
from strongroom.server.reloading import BadFile, Reloading
from strongroom.server.review_client import ReviewClient
from strongroom.server.token_webhook_options import TokenWebhookOptions
from strongroom.server.webhook_endpoint import read_endpoint

T = TypeVar("T")


def follow_token_webhook(
    options: TokenWebhookOptions,
    path: Path,
    audiences: tuple[str, ...],
    clock: Clock,
    stack: contextlib.AsyncExitStack,
) -> WebhookTokens:
    """The webhook of a kubeconfig, until ``stack`` ends. Raises BadFile for one that is wrong."""
    reviewer = _Followed(path, clock)
    stack.push_async_callback(reviewer.close)
    reviewer.begin(stack)
    tokens = WebhookTokens(
        reviewer,
        clock,
        version=options.authentication_token_webhook_version,
        audiences=audiences,
        seconds=options.authentication_token_webhook_cache_ttl,
    )
    stack.push_async_callback(tokens.close)
    return tokens


class _Followed:
    """Fulfils ``access.review.Reviewer`` with what the kubeconfig says now."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._files: tuple[Path, ...] = (path,)
        # Made first, so that what changes while the files are read is seen as a change.
        self._reloading = Reloading(
            lambda: self._files, self._load_again, what="the authentication webhook"
        )
        self._client = self._made()

    def begin(self, stack: contextlib.AsyncExitStack) -> None:
        """Follow the files until ``stack`` ends it."""
        self._reloading.begin(stack)

    async def ask(self, body: bytes, read: Callable[[bytes], T]) -> T:
        """What ``read`` makes of the answer. Raises ReviewFailed."""
        return await self._client.ask(body, read)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    def _made(self) -> ReviewClient:
        try:
            endpoint = read_endpoint(self._path)
        except InvalidKubeconfig as error:
            raise BadFile(str(error)) from error
        self._files = endpoint.files
        return ReviewClient(endpoint, self._clock)

    async def _load_again(self) -> None:
        before, self._client = self._client, self._made()
        await before.retire()
