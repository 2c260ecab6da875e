"""Attacks on one real server, by those who have some rights, or none."""
