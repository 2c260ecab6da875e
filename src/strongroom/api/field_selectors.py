"""Field selectors. Import their names from :mod:`strongroom.api.selectors`.

The grammar, its escapes and its messages are upstream's (``k8s.io/apimachinery/pkg/fields``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from strongroom.api.errors import bad_request
from strongroom.api.label_selectors import MAX_REQUIREMENTS


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """One condition on a field: equal, or not equal."""

    field: str
    value: str
    equal: bool = True

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")
        return f"{self.field}{'=' if self.equal else '!='}{escaped}"


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Conditions on fields that must all hold. A field that is not there counts as empty."""

    requirements: tuple[FieldRequirement, ...] = ()

    @classmethod
    def parse(cls, text: str) -> FieldSelector:
        """Read ``metadata.name=a,type!=b``. Raises StatusError 400 in upstream's words."""
        terms = [term for term in sorted(_split_terms(text)) if term]
        if len(terms) > MAX_REQUIREMENTS:
            raise bad_request(f"invalid selector: more than {MAX_REQUIREMENTS} requirements")
        return cls(tuple(_field_term(text, term) for term in terms))

    @property
    def empty(self) -> bool:
        """Whether it selects everything."""
        return not self.requirements

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Whether fields meet all conditions."""
        return all((fields.get(r.field, "") == r.value) == r.equal for r in self.requirements)

    def requires_exact(self, field: str) -> str | None:
        """The only value that the field may have, if there is just one."""
        return next((r.value for r in self.requirements if r.field == field and r.equal), None)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


_TERM = re.compile(r"(.*?)(!=|==|=)(.*)", re.DOTALL)


def _split_terms(text: str) -> list[str]:
    """The terms between commas; a comma behind a backslash belongs to the value."""
    return re.findall(r"(?:[^,\\]|\\.|\\\Z)+", text, re.DOTALL)


def _field_term(text: str, term: str) -> FieldRequirement:
    match = _TERM.fullmatch(term)
    if not match:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
    field, operator, value = match.groups()
    return FieldRequirement(field, _unescaped(value), operator != "!=")


def _unescaped(value: str) -> str:
    if not any(c in value for c in "\\,="):
        return value
    out = []
    characters = iter(value)
    for character in characters:
        if character == "\\":
            following = next(characters, "")
            if following not in ("\\", ",", "="):
                sequence = "\\" + following
                raise bad_request(f"invalid field selector: invalid escape sequence: {sequence}")
            out.append(following)
        elif character in ",=":
            code = ord(character)
            raise bad_request(f"invalid field selector: unescaped character in value: {code}")
        else:
            out.append(character)
    return "".join(out)
