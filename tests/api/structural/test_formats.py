"""Formats of texts: what each takes and what it does not."""

from __future__ import annotations

import pytest

from strongroom.api.structural.formats import check_of, effective

EXAMPLES: dict[str, tuple[list[str], list[str]]] = {
    "bsonobjectid": (["507f1f77bcf86cd799439011"], ["507f1f77", "x" * 24]),
    "uri": (["https://a.b/c?d#e", "/path", "mailto:a@b"], ["", "not a uri", "relative"]),
    "email": (["a@b.c", "Bob <bob@example.com>"], ["a", "@b", "a@"]),
    "hostname": (["a", "a.my-example.com", "m-host"], ["", "my-host", "-a", "a..b", "a" * 64]),
    "ipv4": (["1.2.3.4", "01.02.03.04"], ["1.2.3", "256.1.1.1", "::1", "a.b.c.d"]),
    "ipv6": (["::1", "2001:db8::1", "::ffff:1.2.3.4"], ["1.2.3.4", "::g", "fe80::1%eth0"]),
    "cidr": (["10.0.0.0/8", "::/0"], ["10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/a"]),
    "mac": (["01:23:45:67:89:ab", "01-23-45-67-89-ab", "0123.4567.89ab"], ["01:23", "x"]),
    "uuid": (["123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000"], ["1"]),
    "uuid3": (["123e4567-e89b-32d3-a456-426614174000"], ["123e4567-e89b-12d3-a456-426614174000"]),
    "uuid4": (["123e4567-e89b-42d3-a456-426614174000"], ["123e4567-e89b-42d3-c456-426614174000"]),
    "uuid5": (["123e4567-e89b-52d3-a456-426614174000"], ["123e4567-e89b-42d3-a456-426614174000"]),
    "isbn": (["0321751043", "978-0321751041"], ["0321751044", "978"]),
    "isbn10": (["0-321-75104-3", "080442957X"], ["978-0321751041"]),
    "isbn13": (["978-0321751041"], ["0321751043", "978-0321751042"]),
    "creditcard": (["4111 1111 1111 1111"], ["4111 1111 1111 1112", "5"]),
    "ssn": (["111-11-1111"], ["111111111", "111-11-111a"]),
    "hexcolor": (["#fff", "00aaFF"], ["#ffff", "red"]),
    "rgbcolor": (["rgb(0, 255,9)"], ["rgb(0,0)", "rgb(256,0,0)"]),
    "byte": (["aGk=", "QUJD"], ["aGk", "a", "-_-_"]),
    "password": (["", "anything"], []),
    "date": (["2024-02-29", "0000-02-29"], ["2023-02-29", "2024-1-1", "20240101"]),
    "date-time": (
        ["2014-12-15T19:30:20.000Z", "2014-12-15t19:30:20+02:00"],
        ["2014-12-15", "2014-12-15T24:00:00Z", "2014-12-15T19:30:20", "2014-13-15T19:30:20Z"],
    ),
    "duration": (["22 ns", "1h30m", "-1.5h", "2 weeks", "0"], ["", "x", "5", "5 apples"]),
    "k8s-short-name": (["a", "my-name"], ["-a", "A", "a.b", "a" * 64]),
    "k8s-long-name": (["a.b-c.d", "a" * 253], ["a..b", "a" * 254]),
}


@pytest.mark.parametrize(
    ("name", "text", "fits"),
    [
        (name, text, fits)
        for name, (good, bad) in EXAMPLES.items()
        for fits, texts in ((True, good), (False, bad))
        for text in texts
    ],
)
def test_formats(name: str, text: str, fits: bool) -> None:
    check = check_of(name)
    assert check is not None
    assert check(text) is fits


@pytest.mark.parametrize(
    ("type_", "format_", "kept"),
    [
        ("string", "date-time", True),
        ("string", "datetime", True),
        ("string", "int32", False),
        ("integer", "int64", True),
        ("integer", "double", False),
        ("number", "double", True),
        ("number", "int32", False),
        ("object", "date", False),
        ("", "date", True),
    ],
)
def test_formats_say_something_of_their_own_types_only(
    type_: str, format_: str, kept: bool
) -> None:
    assert effective(type_, format_) == (format_ if kept else "")
