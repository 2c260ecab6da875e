"""``ip()``, ``cidr()`` and what they tell.

Source: ``k8s.io/apiserver/pkg/cel/library/ip.go`` and ``cidr.go``.
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    ip_address,
    ip_interface,
)
from typing import Any

from strongroom.api.cel.errors import CelError
from strongroom.api.cel.overloads import builtin, function, method
from strongroom.api.cel.values import Opaque

_BROADCAST = IPv4Address("255.255.255.255")
_LONGEST = 64


class Ip(Opaque):
    """An address, neither with a zone nor an IPv4 address inside an IPv6 one."""

    __slots__ = ("address",)
    type_name = "net.IP"

    def __init__(self, address: IPv4Address | IPv6Address) -> None:
        self.address = address

    def equals(self, other: Any) -> bool:
        """Whether it is the same address."""
        return bool(self.address == other.address)


class Cidr(Opaque):
    """An address with the length of its network's prefix."""

    __slots__ = ("interface",)
    type_name = "net.CIDR"

    def __init__(self, interface: IPv4Interface | IPv6Interface) -> None:
        self.interface = interface

    def equals(self, other: Any) -> bool:
        """Whether address and prefix are the same."""
        return bool(self.interface == other.interface)


def _ip(text: str) -> Ip:
    try:
        address = ip_address(text[:_LONGEST])
    except ValueError:
        raise CelError("IP Address parse error during conversion from string") from None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise CelError("IP address with zone value is not allowed")
        if address.ipv4_mapped is not None:
            raise CelError("IPv4-mapped IPv6 address is not allowed")
    return Ip(address)


def _cidr(text: str) -> Cidr:
    address, _, length = text.partition("/")
    plain = length.isascii() and length.isdigit() and (length == "0" or length[0] != "0")
    try:
        if not plain or len(length) > 3:
            raise ValueError
        ip = ip_address(address[:_LONGEST])
        interface = ip_interface((ip, int(length)))
    except ValueError:
        raise CelError("network address parse error during conversion from string") from None
    if isinstance(ip, IPv6Address):
        if ip.scope_id is not None:
            raise CelError("network address parse error during conversion from string")
        if ip.ipv4_mapped is not None:
            raise CelError("IPv4-mapped IPv6 address is not allowed")
    return Cidr(interface)


def _is(parse: Any) -> Any:
    def test(text: str) -> bool:
        try:
            parse(text)
        except CelError:
            return False
        return True

    return test


def _global_unicast(ip: Ip) -> bool:
    """As Go: private addresses are global unicast too."""
    address = ip.address
    return not (
        address.is_unspecified
        or address.is_loopback
        or address.is_multicast
        or address.is_link_local
        or address == _BROADCAST
    )


def _link_local_multicast(ip: Ip) -> bool:
    packed = ip.address.packed
    if len(packed) == 4:
        return packed[:3] == b"\xe0\x00\x00"
    return packed[0] == 0xFF and packed[1] & 0x0F == 2


def _contains_ip(cidr: Cidr, ip: Ip) -> bool:
    return ip.address.version == cidr.interface.version and ip.address in cidr.interface.network


def _contains_cidr(cidr: Cidr, other: Cidr) -> bool:
    mine, theirs = cidr.interface.network, other.interface.network
    return mine.version == theirs.version and theirs.subnet_of(mine)  # type: ignore[arg-type] # both of one version, as the left side says


def _masked(cidr: Cidr) -> Cidr:
    network = cidr.interface.network
    return Cidr(ip_interface((network.network_address, network.prefixlen)))


_IP, _CIDR = Ip.type_name, Cidr.type_name

FUNCTIONS = (
    function("ip", f"string -> {_IP}", _ip),
    function("isIP", "string -> bool", _is(_ip)),
    function("ip.isCanonical", "string -> bool", lambda text: str(_ip(text).address) == text),
    method("family", f"{_IP} -> int", lambda ip: ip.address.version),
    method("isUnspecified", f"{_IP} -> bool", lambda ip: ip.address.is_unspecified),
    method("isLoopback", f"{_IP} -> bool", lambda ip: ip.address.is_loopback),
    method("isLinkLocalMulticast", f"{_IP} -> bool", _link_local_multicast),
    method("isLinkLocalUnicast", f"{_IP} -> bool", lambda ip: ip.address.is_link_local),
    method("isGlobalUnicast", f"{_IP} -> bool", _global_unicast),
    function("cidr", f"string -> {_CIDR}", _cidr),
    function("isCIDR", "string -> bool", _is(_cidr)),
    method("containsIP", f"{_CIDR} string -> bool", lambda net, ip: _contains_ip(net, _ip(ip))),
    method("containsIP", f"{_CIDR} {_IP} -> bool", _contains_ip),
    method(
        "containsCIDR",
        f"{_CIDR} string -> bool",
        lambda net, other: _contains_cidr(net, _cidr(other)),
    ),
    method("containsCIDR", f"{_CIDR} {_CIDR} -> bool", _contains_cidr),
    method("ip", f"{_CIDR} -> {_IP}", lambda net: Ip(net.interface.ip)),
    method("prefixLength", f"{_CIDR} -> int", lambda net: net.interface.network.prefixlen),
    method("masked", f"{_CIDR} -> {_CIDR}", _masked),
    builtin("string", f"{_IP} -> string", lambda ip: str(ip.address)),
    builtin("string", f"{_CIDR} -> string", lambda net: str(net.interface)),
)
