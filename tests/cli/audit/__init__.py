"""Tests of `strongroom audit`."""
