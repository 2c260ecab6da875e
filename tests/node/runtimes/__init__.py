"""Tests of the container runtimes, with real processes."""
