"""Tests of strongroom.api.apply."""
