"""Tells API servers behind this one whom it believes, in the ConfigMap where they look for it.

Source: ``pkg/controlplane/controller/clusterauthenticationtrust``. Upstream adds to what is there,
because several servers write it, and takes nothing out but what has expired. There is one server
here, so that the ConfigMap says what holds now: an authority that left the bundle leaves it too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from strongroom.access.authn.authorities import write_bundle
from strongroom.api.clock import Clock
from strongroom.api.meta import ObjectMeta
from strongroom.resources.configmap import ConfigMap
from strongroom.server.builtins import ensure
from strongroom.server.kinds import Kinds
from strongroom.server.tls_files import TLSFiles
from strongroom.server.tls_options import TLSOptions

NAMESPACE = "kube-system"
NAME = "extension-apiserver-authentication"


async def ensure_extension_authentication(
    kinds: Kinds, clock: Clock, options: TLSOptions, tls: TLSFiles
) -> None:
    """Have the ConfigMap say what holds. Raises StatusError."""
    meta = ObjectMeta(name=NAME, namespace=NAMESPACE)
    wanted = ConfigMap(metadata=meta, data=told(options, tls))
    maps = kinds.registry("", "configmaps")
    await ensure(maps, clock, wanted, lambda found: found.data == wanted.data)


def told(options: TLSOptions, tls: TLSFiles) -> dict[str, str]:
    """What it says: bundles in PEM, lists as JSON in the order of the options."""
    data = {"client-ca-file": write_bundle(tls.clients.bundle).decode()}
    if not tls.proxies.bundle:
        return data
    lists = {
        "username-headers": options.requestheader_username_headers,
        "uid-headers": options.requestheader_uid_headers,
        "group-headers": options.requestheader_group_headers,
        "extra-headers-prefix": options.requestheader_extra_headers_prefix,
        "allowed-names": options.requestheader_allowed_names,
    }
    data["requestheader-client-ca-file"] = write_bundle(tls.proxies.bundle).decode()
    written = {f"requestheader-{name}": _written(names) for name, names in lists.items()}
    return data | written


def _written(names: Sequence[str]) -> str:
    return json.dumps(names, separators=(",", ":"))
