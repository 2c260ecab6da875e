"""Tests of the generic registry."""
