"""Tests of strongroom.api."""
