"""Measurements, not tests: they print what they found and judge nothing. `make bench` runs them all."""
