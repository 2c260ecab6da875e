"""Tests of strongroom.api.patch."""
