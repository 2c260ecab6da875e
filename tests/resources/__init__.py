"""Tests of the kinds: their declarations, defaults, rules and columns."""
