"""The benchmarks themselves, run small: what they measure is no matter here."""
