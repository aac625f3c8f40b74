"""Declarations: expectations, the kinds of controls, the catalogue of all of them, and profiles."""
