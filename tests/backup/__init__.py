"""Tests of strongroom.backup."""
