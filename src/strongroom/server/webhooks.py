"""Calling admission webhooks: where each is, and a client that is made when first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from strongroom.access.admission.webhook.port import CallingFailed
from strongroom.resources.webhook import DEFAULT_PORT, ServiceReference, WebhookClientConfig

if TYPE_CHECKING:
    from strongroom.server.posting import Place
    from strongroom.server.webhook_client import WebhookClient


class ServiceResolver(Protocol):
    """Where Services can be reached."""

    def resolve(self, namespace: str, name: str, port: int) -> tuple[str, int]:
        """Address and port. Raises CallingFailed, whose text names the Service."""
        ...


class HTTPWebhookCaller:
    """Fulfils ``access.admission.webhook.port.WebhookCaller``. ``close`` ends connections."""

    def __init__(self, services: ServiceResolver) -> None:
        self._services = services
        self._client: WebhookClient | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()

    async def call(self, config: WebhookClientConfig, body: bytes, timeout: float) -> bytes:  # noqa: ASYNC109 - the webhook is told of it too
        """The body of the webhook's answer. Raises CallingFailed."""
        # Imported here, for the HTTP client is a quarter of all imports, and most servers have no
        # webhooks.
        from strongroom.server.posting import Place
        from strongroom.server.webhook_client import WebhookClient

        query = f"?timeout={timeout:g}s"
        if config.service is not None:
            place = self._service_place(config.service, query)
        else:
            url = f"{config.url or ''}{query}"
            place = Place(url, url)
        if self._client is None:
            self._client = WebhookClient()
        return await self._client.post(place, config.caBundle, body, timeout)

    def _service_place(self, service: ServiceReference, query: str) -> Place:
        from strongroom.server.posting import Place
        from strongroom.server.webhook_client import failed

        port = service.port or DEFAULT_PORT
        server_name = f"{service.name}.{service.namespace}.svc"
        path = "/" + (service.path or "").removeprefix("/") + query
        shown = f"https://{server_name}:{port}{path}"
        try:
            host, target = self._services.resolve(service.namespace, service.name, port)
        except CallingFailed as error:
            raise failed(shown, str(error)) from None
        address = f"[{host}]" if ":" in host else host
        url = f"https://{address}:{target}{path}"
        return Place(url, shown, server_name, f"{server_name}:{port}")
