"""Kubernetes quantities (``250m``, ``64Mi``) as exact numbers, for the downward API."""

from __future__ import annotations

import math
import re
from fractions import Fraction

_SUFFIXES = {
    "": Fraction(1),
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 10**3),
    **{suffix: Fraction(1000**power) for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Fraction(1024**power) for power, suffix in enumerate("KMGTPE", 1)},
}
_FORM = re.compile(r"([+-]?[0-9]+(?:\.[0-9]*)?|[+-]?\.[0-9]+)(?:([eE][+-]?[0-9]{1,3})|([a-zA-Z]*))")


def parse_quantity(text: str) -> Fraction:
    """The number that a quantity stands for. Raises ValueError for anything else."""
    match = _FORM.fullmatch(text)
    if match is None or (match[3] or "") not in _SUFFIXES:
        raise ValueError("not a quantity")
    number = Fraction(match[1] + (match[2] or ""))
    return number * _SUFFIXES[match[3] or ""]


def divided(quantity: Fraction, divisor: str) -> int:
    """How often ``divisor`` (``0`` or empty means 1) goes into ``quantity``, rounded up."""
    unit = parse_quantity(divisor) if divisor else Fraction(0)
    return math.ceil(quantity / (unit or Fraction(1)))
