"""Objects and messages of any kind, filled at random, for the tests of protobuf."""

import string
from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from strongroom.api.openapi import definition_name
from strongroom.api.schema import FieldSchema, Struct, TypeSchema, schema_of

_LETTERS = string.ascii_letters + string.digits + "-._/ \u00e9\u4e16\U0001f511"
_TREES: tuple[Any, ...] = ({}, {"f:a": {"f:b": {}}}, {"z": [1, "x", None], "a": True})
_SCHEMA = {"type": "string", "default": "", "maximum": 3}
_ALTERNATIVES: dict[str, tuple[Any, ...]] = {
    "JSONSchemaPropsOrBool": (True, False, {}, _SCHEMA),
    "JSONSchemaPropsOrArray": ({}, _SCHEMA, [_SCHEMA, {}]),
    "JSONSchemaPropsOrStringArray": (_SCHEMA, ["a", ""]),
}
_QUANTITIES = ("0", "1", "100m", "2Gi", "-3", "1e3")
_JSON = (b"{}", b'{"f:a":{"f:b":{}}}', b'{"a":[1,"x"]}')


def message_name(struct: type[Struct]) -> str:
    """The full name of upstream's message for a type of ours."""
    return definition_name(struct).replace("io.k8s.", "k8s.io.", 1)


class Filler:
    """Fills objects and messages; ``share`` is how many of their optional fields are set."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._objects = 0
        self._share = random.choice((0.05, 0.3, 0.7))

    # --- our objects ----------------------------------------------------------------------------

    def object(self, struct: type[Struct], known: Any, depth: int = 0) -> Any:
        """An object; given a descriptor (``known``), with fields that the message has too."""
        values = {}
        self._objects += 1
        # Types that contain themselves would never end.
        ends = depth > 8 or self._objects > 200
        share = 0 if ends else self._share / (1 + depth / 3)
        for field in schema_of(struct).fields.values():
            number, within = field.facts.number, field.facts.within
            inner = known
            for outer in within if known is not None else ():
                inner = inner.fields_by_number[outer].message_type if _knows(inner, outer) else None
            if not number or (known is not None and not _knows(inner, number)):
                continue
            # Read back as a zero, which JSON would write too: objects that are stored have it.
            zero = field.type.format == "quantity" or field.type.int_or_string
            if (zero and field.facts.by_value) or self._random.random() < share:
                type_ = inner.fields_by_number[number].message_type if inner is not None else None
                values[field.attribute] = self._value(field, field.type, type_, depth + 1)
        return struct(**values)

    def _value(self, field: FieldSchema, type_: TypeSchema, known: Any, depth: int) -> Any:
        random = self._random
        if type_.kind == "array" and type_.items is not None:
            if field.facts.wrapped and known is not None:
                known = known.fields_by_number[1].message_type
            return [
                self._value(field, type_.items, known, depth) for _ in range(random.randint(1, 3))
            ]
        if type_.kind == "map" and type_.items is not None:
            if known is not None:
                known = known.fields_by_number[2].message_type
            return {
                self.key(): self._value(field, type_.items, known, depth)
                for _ in range(random.randint(1, 3))
            }
        if type_.struct is not None:
            return self.object(type_.struct, known, depth)
        return self._leaf(field, type_)

    def _leaf(self, field: FieldSchema, type_: TypeSchema) -> Any:
        random = self._random
        if type_.int_or_string:
            return random.choice((self.text(), 0, -1, 8080, "50%"))
        if type_.format == "date-time":
            fraction = f".{random.randrange(10**6):06}" if field.facts.micro else ""
            year = random.choice(("1970-01-01", "1969-12-31", "2026-05-04", "9999-12-31"))
            return f"{year}T{random.randrange(24):02}:00:59{fraction}Z"
        if type_.format == "quantity":
            return random.choice(_QUANTITIES)
        match type_.kind:
            case "any":
                name = (field.facts.format or "").rpartition(".")[2]
                return random.choice(_ALTERNATIVES.get(name, _TREES))
            case "bytes":
                return random.randbytes(random.choice((1, 127, 128)))
            case "boolean":
                return random.random() < 0.5
            case "number":
                return random.choice((0, -1.5, 1e300))
            case "integer":
                bits = 31 if type_.format == "int32" else 63
                return random.choice((0, 1, -1, 300, (1 << bits) - 1, -(1 << bits)))
            case _:
                return self.text()

    def text(self) -> str:
        """Text of any length, now and then with a length of two bytes."""
        random = self._random
        return "".join(random.choices(_LETTERS, k=random.choice((0, 1, 5, 20, 130))))

    def key(self) -> str:
        """No key begins with another, for Python's protobuf writes the longer of such two first."""
        return self.text() + "|"

    # --- upstream's messages --------------------------------------------------------------------

    def message(self, into: Message, ours: type[Struct] | None, depth: int = 0) -> None:
        """Set fields of a message of upstream's, those only that the type of ours declares."""
        name = into.DESCRIPTOR.full_name.rsplit(".", 1)[-1]
        if self._small_message(into, name):
            return
        fields = schema_of(ours).fields.values() if ours is not None else ()
        self._level(into, list(fields), 0, depth)

    def _level(self, into: Message, fields: list[FieldSchema], level: int, depth: int) -> None:
        """The fields at a level of messages within messages, and below."""
        here = {f.facts.number: f for f in fields if len(f.facts.within) == level}
        below = [f for f in fields if len(f.facts.within) > level]
        inlined = {f.facts.within[level] for f in below}
        for known in into.DESCRIPTOR.fields:
            if self._random.random() > self._share / (1 + depth / 3):
                continue
            if known.number in inlined:
                inner = getattr(into, known.name)
                inner.SetInParent()
                members = [f for f in below if f.facts.within[level] == known.number]
                self._level(inner, members, level + 1, depth)
            elif known.number in here:
                self._field(into, known, here[known.number], depth)

    def _field(self, into: Message, known: Any, field: FieldSchema, depth: int) -> None:
        type_, value = field.type, getattr(into, known.name)
        if known.message_type is not None and known.message_type.GetOptions().map_entry:
            assert type_.items is not None
            inner = known.message_type.fields_by_number[2]
            if inner.message_type is None:
                value[self.text()] = self._scalar(inner)
            else:
                self.message(value[self.text()], type_.items.struct, depth + 1)
        elif known.is_repeated:
            if known.message_type is None:
                value.append(self._scalar(known))
            else:
                assert type_.items is not None
                self.message(value.add(), type_.items.struct, depth + 1)
        elif known.message_type is not None:
            value.SetInParent()
            if field.facts.wrapped:
                value.items.append(self.text())
            else:
                self.message(value, type_.struct, depth + 1)
        else:
            setattr(into, known.name, self._scalar(known))

    def _small_message(self, into: Any, name: str) -> bool:
        random = self._random
        if name == "Time":
            into.seconds = random.choice((0, -1, 1_700_000_000))
            into.nanos = 0
        elif name == "MicroTime":
            into.seconds = random.choice((0, -1, 1_700_000_000))
            into.nanos = random.randrange(1_000_000) * 1000
        elif name == "Quantity":
            into.string = random.choice(_QUANTITIES)
        elif name == "IntOrString":
            into.type = random.randrange(2)
            if into.type:
                into.strVal = self.text()
            else:
                into.intVal = random.choice((0, -1, 80))
        elif name in ("FieldsV1", "RawExtension"):
            setattr(into, into.DESCRIPTOR.fields[0].name, random.choice(_JSON))
        else:
            return False
        return True

    def _scalar(self, known: Any) -> Any:
        match known.type:
            case FieldDescriptor.TYPE_STRING:
                return self.text()
            case FieldDescriptor.TYPE_BYTES:
                return self._random.randbytes(3)
            case FieldDescriptor.TYPE_BOOL:
                return self._random.random() < 0.5
            case FieldDescriptor.TYPE_INT32:
                return self._random.choice((0, 7, -(1 << 31)))
            case _:
                return self._random.choice((0, 7, -(1 << 63)))


def _knows(message: Any, number: int) -> bool:
    return message is not None and number in message.fields_by_number
