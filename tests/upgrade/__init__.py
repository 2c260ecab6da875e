"""Data directories of earlier strongrooms, made by tools/make_fixture.py."""
