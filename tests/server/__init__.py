"""Tests of the API server, most of them against a real one on loopback."""
