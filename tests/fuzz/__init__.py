"""Readers of what targets say, under answers that nobody foresaw."""
