"""Values on the command line of the server, as Go's flags read them."""

from __future__ import annotations

import argparse

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}


def duration(text: str) -> float:
    """Go's form of a duration, such as ``1h30m``, in seconds. Raises ArgumentTypeError."""
    seconds, number = 0.0, ""
    for character in text:
        if character in _UNITS and number:
            seconds += float(number) * _UNITS[character]
            number = ""
        elif character.isascii() and character.isdigit():
            number += character
        else:
            number = "?"
            break
    if number or not seconds:
        raise argparse.ArgumentTypeError("expected a duration such as 5m or 1h30m")
    return seconds


def truth(text: str) -> bool:
    """One of Go's forms of a boolean. Raises ArgumentTypeError."""
    if text in ("true", "True", "TRUE", "t", "T", "1"):
        return True
    if text in ("false", "False", "FALSE", "f", "F", "0"):
        return False
    raise argparse.ArgumentTypeError("expected true or false")
