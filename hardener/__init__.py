"""Audit Linux nodes against CIS benchmarks, remedy what fails, and prove it."""

__version__ = "0.1.0"
