"""Signs `cluster-info` with every bootstrap token that may sign, and takes old signatures off.

Source: ``pkg/controller/bootstrap/bootstrapsigner.go``. Only bootstrap tokens are watched: of other
Secrets nothing is sent here.
"""

from __future__ import annotations

import copy

from strongroom.api.clock import Clock
from strongroom.api.errors import StatusError
from strongroom.client.client import Client
from strongroom.client.informer import Change, Informer
from strongroom.client.queue import WorkQueue
from strongroom.controllers.controller import Key
from strongroom.resources import bootstrap_token, cluster_info
from strongroom.resources.configmap import CONFIG_MAPS, ConfigMap
from strongroom.resources.secret import BOOTSTRAP_TOKEN, SECRETS, Secret

_KEY = (cluster_info.NAMESPACE, cluster_info.NAME)


def bootstrap_tokens(client: Client) -> Informer[Secret]:
    """Follows the cluster's bootstrap tokens."""
    namespace, selector = bootstrap_token.NAMESPACE, f"type={BOOTSTRAP_TOKEN}"
    return Informer(client, SECRETS, namespace, field_selector=selector)


class BootstrapSigner:
    """There is one key: the ConfigMap."""

    name = "bootstrapsigner"
    workers = 1

    def __init__(self, client: Client, clock: Clock) -> None:
        self.queue: WorkQueue[Key] = WorkQueue(initial=0.1, limit=30.0)
        self._client = client
        self._clock = clock
        self._tokens = bootstrap_tokens(client)
        selector = f"metadata.name={cluster_info.NAME}"
        namespace = cluster_info.NAMESPACE
        self._infos = Informer(client, CONFIG_MAPS, namespace, field_selector=selector)

    async def start(self) -> None:
        for followed in (self._tokens, self._infos):
            followed.start()
            await followed.wait_synced()
        # All tokens are known by now: one turn signs for all of them.
        self._tokens.add_handler(self._on_token)
        self._infos.add_handler(self._on_info)

    async def close(self) -> None:
        await self._tokens.close()
        await self._infos.close()

    def _on_token(self, change: Change[Secret]) -> None:
        self.queue.add(_KEY)

    def _on_info(self, change: Change[ConfigMap]) -> None:
        self.queue.add(_KEY)

    async def reconcile(self, key: Key) -> None:
        found = self._infos.get(*key)
        if found is None or cluster_info.KUBECONFIG_KEY not in found.data:
            return
        signed = self._signed(found.data)
        if signed == found.data:
            return
        wanted = copy.deepcopy(found)
        wanted.data = signed
        try:
            await self._client.update(CONFIG_MAPS, wanted)
        except StatusError as error:
            # Changed or gone meanwhile, of which the watch will tell.
            if error.code not in (404, 409):
                raise

    def _signed(self, data: dict[str, str]) -> dict[str, str]:
        """The data with the signatures that they should carry, and no others."""
        prefix, now = cluster_info.SIGNATURE_PREFIX, self._clock.now()
        content = data[cluster_info.KUBECONFIG_KEY]
        signed = {key: text for key, text in data.items() if not key.startswith(prefix)}
        for secret in self._tokens.items():
            if found := bootstrap_token.signing_key(secret, now):
                token_id, key = found
                signed[prefix + token_id] = cluster_info.detached_signature(content, token_id, key)
        return signed
