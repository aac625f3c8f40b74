"""Figures: medians and ratios from one run, never pass or fail."""
