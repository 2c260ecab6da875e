"""What IP addresses and ranges of addresses may look like.

Rules and wording: ``k8s.io/apimachinery/pkg/util/validation/ip.go`` (in its strict form, as for
new values) and ``ValidateNonSpecialIP`` in ``pkg/apis/core/validation``.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from strongroom.api.errors import FieldError
from strongroom.api.validation import Path, invalid_value

IPV4, IPV6 = "IPv4", "IPv6"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_ZEROS = re.compile(r"(?<![0-9a-fA-F:.])0+(?=\d)|(?<=\.)0+(?=\d)")


@lru_cache(maxsize=1024)
def parse_ip(text: str) -> Address | None:
    """The address, with leading zeros and mapped addresses read as Go's sloppy reader does."""
    try:
        address = ipaddress.ip_address(_ZEROS.sub("", text) if "." in text else text)
    except ValueError:
        return None
    if "%" in text:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def family_of(text: str) -> str:
    """IPv4 or IPv6; IPv4 for what is no address."""
    return IPV6 if isinstance(parse_ip(text), ipaddress.IPv6Address) else IPV4


def ip_errors(text: str, path: Path) -> list[FieldError]:
    """What is wrong with an address."""
    if parse_ip(text) is None:
        detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        return [invalid_value(path, text, detail)]
    if "." in text and ":" in text:
        return [invalid_value(path, text, "must not be an IPv4-mapped IPv6 address")]
    if "." in text and _ZEROS.search(text):
        return [invalid_value(path, text, "must not have leading 0s")]
    return []


def canonical_ip_errors(text: str, path: Path) -> list[FieldError]:
    """The same, with anything but the usual form of an address refused, too."""
    errors = ip_errors(text, path)
    if not errors and text != str(parse_ip(text)):
        detail = f'must be in canonical form ("{parse_ip(text)}")'
        errors.append(invalid_value(path, text, detail))
    return errors


def cidr_errors(text: str, path: Path) -> list[FieldError]:
    """What is wrong with a range of addresses."""
    address, slash, length = text.partition("/")
    parsed = parse_ip(address)
    bits = 0 if parsed is None else parsed.max_prefixlen
    digits = length.isascii() and length.isdigit()
    if parsed is None or not slash or not digits or int(length) > bits:
        detail = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
        return [invalid_value(path, text, detail)]
    if "." in address and ":" in address:
        return [invalid_value(path, text, "must not have an IPv4-mapped IPv6 address")]
    if str(int(length)) != length or ("." in address and _ZEROS.search(address)):
        return [invalid_value(path, text, "must not have leading 0s in IP or prefix length")]
    if int(parsed) & ((1 << (bits - int(length))) - 1):
        return [invalid_value(path, text, "must not have bits set beyond the prefix length")]
    return []


def special_ip_errors(text: str, path: Path) -> list[FieldError]:
    """Addresses that mean something else on every machine lead nowhere."""
    address = parse_ip(text)
    if address is None:
        return [invalid_value(path, text, "must be a valid IP address")]
    if address.version == 4 and address.packed[0] not in _SPECIAL_FIRST:
        return []
    rules = (
        (address.is_unspecified, f"may not be unspecified ({text})"),
        (address.is_loopback, "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (
            address.is_link_local,
            "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
        ),
        (
            any(address in net for net in _LINK_MULTICAST if net.version == address.version),
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
        ),
    )
    return [invalid_value(path, text, detail) for wrong, detail in rules if wrong]


_SPECIAL_FIRST = frozenset((0, 127, 169, 224))
"""First bytes of the addresses of IPv4 that need a closer look."""
_LINK_MULTICAST: tuple[Network, ...] = (
    ipaddress.ip_network("224.0.0.0/24"),
    ipaddress.ip_network("ff02::/16"),
)
