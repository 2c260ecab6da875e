"""What names, keys and values may look like: each function returns what is wrong, or nothing.

Import these names from :mod:`strongroom.api.validation`. Rules and wording are those of
``k8s.io/apimachinery/pkg/util/validation`` and ``.../pkg/api/validate/content``. Lengths count
UTF-8 bytes, as Go's do.
"""

from __future__ import annotations

import re
from typing import Protocol

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = _LABEL + r"(\." + _LABEL + ")*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_KEY_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_KEY_NAME})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_ENV_NAME = "[-._a-zA-Z][-._a-zA-Z0-9]*"
_C_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"

_label = re.compile(_LABEL)
_subdomain = re.compile(_SUBDOMAIN)
_label_1035 = re.compile(_LABEL_1035)
_key_name = re.compile(_KEY_NAME)
_label_value = re.compile(_LABEL_VALUE)
_config_key = re.compile(_CONFIG_KEY)
_env_name = re.compile(_ENV_NAME)
_c_identifier = re.compile(_C_IDENTIFIER)
_relaxed_env_name = re.compile(r"[ -<>-~]*")
_port_name_characters = re.compile("[-a-z0-9]+")

_ALNUM_ENDS = "and must start and end with an alphanumeric character"
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    + _ALNUM_ENDS
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, "
    "'-' or '.', " + _ALNUM_ENDS
)
_LABEL_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character"
)
_KEY_NAME_TEXT = "must consist of alphanumeric characters, '-', '_' or '.', " + _ALNUM_ENDS
_LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, "
    "'-', '_' or '.', " + _ALNUM_ENDS
)
_CONFIG_KEY_TEXT = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
_ENV_NAME_TEXT = (
    "a valid environment variable name must consist of alphabetic characters, digits, "
    "'_', '-', or '.', and must not start with a digit"
)
_RELAXED_ENV_NAME_TEXT = (
    "a valid environment variable name must consist only of printable ASCII characters "
    "other than '='"
)
_C_IDENTIFIER_TEXT = (
    "a valid C identifier must start with alphabetic character or '_', followed by a string of "
    "alphanumeric characters or '_'"
)


class NameCheck(Protocol):
    """Says what is wrong with a name, or with a generateName when ``prefix`` is set."""

    def __call__(self, name: str, *, prefix: bool = False) -> list[str]: ...


def _length(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode(errors="surrogatepass"))


def max_length_text(limit: int) -> str:
    """What is said of a name longer than ``limit``."""
    return f"must be no more than {limit} characters"


def _max_bytes_text(limit: int) -> str:
    return f"must be no more than {limit} bytes"


def regex_text(message: str, pattern: str, *examples: str) -> str:
    """``message`` followed by examples and the pattern, as upstream joins them."""
    if not examples:
        return f"{message} (regex used for validation is '{pattern}')"
    shown = " or ".join(f"'{e}', " for e in examples)
    return f"{message} (e.g. {shown}regex used for validation is '{pattern}')"


def _unprefixed(name: str, prefix: bool) -> str:
    """A prefix may end in a dash, because something follows it: stand a letter in its place."""
    return name[:-2] + "a" if prefix and len(name) > 1 and name.endswith("-") else name


def dns_subdomain(name: str, *, prefix: bool = False) -> list[str]:
    """RFC 1123 subdomain of at most 253: the name of most kinds."""
    name = _unprefixed(name, prefix)
    wrong = [max_length_text(253)] if _length(name) > 253 else []
    if not _subdomain.fullmatch(name):
        wrong.append(regex_text(_SUBDOMAIN_TEXT, _SUBDOMAIN, "example.com"))
    return wrong


def dns_label(name: str, *, prefix: bool = False) -> list[str]:
    """RFC 1123 label of at most 63: namespaces, containers, volumes."""
    name = _unprefixed(name, prefix)
    wrong = [max_length_text(63)] if _length(name) > 63 else []
    if not _label.fullmatch(name):
        if _subdomain.fullmatch(name):
            wrong.append("must not contain dots")
        else:
            wrong.append(regex_text(_LABEL_TEXT, _LABEL, "my-name", "123-abc"))
    return wrong


def dns_1035_label(name: str, *, prefix: bool = False) -> list[str]:
    """RFC 1035 label of at most 63: services."""
    name = _unprefixed(name, prefix)
    wrong = [max_length_text(63)] if _length(name) > 63 else []
    if not _label_1035.fullmatch(name):
        wrong.append(regex_text(_LABEL_1035_TEXT, _LABEL_1035, "my-name", "abc-123"))
    return wrong


def path_segment(name: str, *, prefix: bool = False) -> list[str]:
    """A name that only has to be safe in a URL path: RBAC's kinds."""
    if name in (".", "..") and not prefix:
        return [f"may not be '{name}'"]
    if "/" not in name and "%" not in name:
        return []
    return [f"may not contain '{c}'" for c in "/%" if c in name]


def qualified_name(name: str) -> list[str]:
    """Label key: ``[SUBDOMAIN/]NAME`` with a name of at most 63."""
    parts = name.split("/")
    if len(parts) > 2:
        text = regex_text(_KEY_NAME_TEXT, _KEY_NAME, "MyName", "my.name", "123-abc")
        optional = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a valid label key {text}{optional}"]
    wrong = _prefix_part(parts[0]) if len(parts) == 2 else []
    local = parts[-1]
    if not local:
        wrong.append("name part must be non-empty")
    elif _length(local) > 63:
        wrong.append("name part " + _max_bytes_text(63))
    if not _key_name.fullmatch(local):
        text = regex_text(_KEY_NAME_TEXT, _KEY_NAME, "MyName", "my.name", "123-abc")
        wrong.append("name part " + text)
    return wrong


def _prefix_part(prefix: str) -> list[str]:
    if not prefix:
        return ["prefix part must be non-empty"]
    wrong = ["prefix part " + _max_bytes_text(253)] if _length(prefix) > 253 else []
    if not _subdomain.fullmatch(prefix):
        wrong.append("prefix part " + regex_text(_SUBDOMAIN_TEXT, _SUBDOMAIN, "example.com"))
    return wrong


def label_value(value: str) -> list[str]:
    """Value of a label: empty, or at most 63 characters of the alphabet of names."""
    wrong = [_max_bytes_text(63)] if _length(value) > 63 else []
    if not _label_value.fullmatch(value):
        wrong.append(regex_text(_LABEL_VALUE_TEXT, _LABEL_VALUE, "MyValue", "my_value", "12345"))
    return wrong


def config_map_key(key: str) -> list[str]:
    """Key of a Secret's or ConfigMap's data; it becomes a file name, so no way up."""
    wrong = [max_length_text(253)] if _length(key) > 253 else []
    if not _config_key.fullmatch(key):
        text = regex_text(_CONFIG_KEY_TEXT, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name")
        wrong.append(text)
    return wrong + _way_up(key)


def env_var_name(name: str) -> list[str]:
    """Environment variable name as upstream accepts it since 1.30: printable ASCII but ``=``."""
    wrong = [] if name else ["environment variable name must be non-empty"]
    if not _relaxed_env_name.fullmatch(name):
        wrong.append(_RELAXED_ENV_NAME_TEXT)
    return wrong


def strict_env_var_name(name: str) -> list[str]:
    """Environment variable name by the rule before 1.30."""
    wrong = []
    if not _env_name.fullmatch(name):
        text = regex_text(_ENV_NAME_TEXT, _ENV_NAME, "my.env-name", "MY_ENV.NAME", "MyEnvName1")
        wrong.append(text)
    return wrong + _way_up(name)


def c_identifier(name: str) -> list[str]:
    """An identifier of C."""
    if _c_identifier.fullmatch(name):
        return []
    return [regex_text(_C_IDENTIFIER_TEXT, _C_IDENTIFIER, "my_name", "MY_NAME", "MyName")]


def port_name(name: str) -> list[str]:
    """Name of a port: at most 15 of lower-case letters, digits and single inner hyphens."""
    wrong = [max_length_text(15)] if _length(name) > 15 else []
    if not _port_name_characters.fullmatch(name):
        wrong.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", name):
        wrong.append("must contain at least one letter (a-z)")
    if "--" in name:
        wrong.append("must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        wrong.append("must not begin or end with a hyphen")
    return wrong


def port_number(port: int) -> list[str]:
    """A TCP or UDP port."""
    return in_range(port, 1, 65535)


def in_range(value: int, low: int, high: int) -> list[str]:
    """Both bounds belong to the range."""
    return [] if low <= value <= high else [f"must be between {low} and {high}, inclusive"]


def _way_up(name: str) -> list[str]:
    if name in (".", ".."):
        return [f"must not be '{name}'"]
    return ["must not start with '..'"] if name.startswith("..") else []
