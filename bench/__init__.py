"""Measurements: ratios to a reference in the same run, as JSON in bench/results."""
