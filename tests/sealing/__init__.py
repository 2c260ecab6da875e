"""Tests of strongroom.sealing."""
