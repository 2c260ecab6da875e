"""Tests of strongroom.node.volumes."""
