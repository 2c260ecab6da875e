"""Tests of strongroom.client."""
