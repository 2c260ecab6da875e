"""Which proxy leads to a server: the kubeconfig's ``proxy-url``, else the environment's.

Read as Go's ``httpproxy`` reads it: ``HTTPS_PROXY`` and ``NO_PROXY`` in either case, and never for
this machine itself.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from strongroom.client.errors import InvalidConfig


def proxy_for(server: str, proxy_url: str, environ: Mapping[str, str]) -> str:
    """The proxy's URL for requests to ``server``; empty for none.

    Raises InvalidConfig for a kind of proxy that cannot be used.
    """
    proxy = proxy_url or _of_environment(server, environ)
    if proxy and not proxy.startswith(("http://", "https://")):
        # It may hold a password: only its scheme is told.
        raise InvalidConfig(f"proxies of scheme {urlsplit(proxy).scheme} cannot be used")
    return proxy


def _of_environment(server: str, environ: Mapping[str, str]) -> str:
    url = urlsplit(server)
    host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    named = _either(environ, f"{url.scheme}_proxy")
    if not named or _is_here(host) or _is_excepted(host, port, _either(environ, "no_proxy")):
        return ""
    return named if "://" in named else f"http://{named}"


def _either(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name.upper()) or environ.get(name) or ""


def _is_here(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _is_excepted(host: str, port: int, exceptions: str) -> bool:
    for word in (text.strip().lower() for text in exceptions.split(",")):
        if word == "*":
            return True
        name, _, its_port = word.rpartition(":") if word.count(":") == 1 else (word, "", "")
        if its_port and its_port != str(port):
            continue
        if name and (_in_network(host, name) or _in_domain(host.lower(), name)):
            return True
    return False


def _in_domain(host: str, name: str) -> bool:
    """``example.com`` means it and what is below it, ``.example.com`` only what is below."""
    if name.startswith(("*.", ".")):
        return host.endswith(name.removeprefix("*"))
    return host == name or host.endswith(f".{name}")


def _in_network(host: str, name: str) -> bool:
    address = _address(host)
    if address is None:
        return False
    try:
        return address in ipaddress.ip_network(name.strip("[]"), strict=False)
    except ValueError:
        return False


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
