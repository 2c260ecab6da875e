"""Tests of structural schemas and of what is done with them."""
