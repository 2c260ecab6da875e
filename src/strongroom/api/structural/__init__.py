"""Structural schemas: what a CRD says of its objects, and how objects are brought to it.

    parse           the schema of a CRD's version, or everything that is wrong with it
    prune           take out what the schema does not have
    set_defaults    fill in what is missing
    find_unknown    the paths of what the schema does not have
    validate        everything that is wrong with an object
    publish         the schema as OpenAPI shows it

A schema is parsed once for all objects of a version; the rest is compiled on first use.
"""

from __future__ import annotations

from strongroom.api.structural.correlation import ABSENT
from strongroom.api.structural.model import Rule, Structural
from strongroom.api.structural.parsing import parse
from strongroom.api.structural.paths import PathError, resolve
from strongroom.api.structural.publication import publish
from strongroom.api.structural.validation import BLOCKING, validate
from strongroom.api.structural.walking import find_unknown, prune, set_defaults

__all__ = [
    "ABSENT",
    "BLOCKING",
    "PathError",
    "Rule",
    "Structural",
    "find_unknown",
    "parse",
    "prune",
    "publish",
    "resolve",
    "set_defaults",
    "validate",
]
