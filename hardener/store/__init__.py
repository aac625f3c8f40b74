"""Keeps runs for years: written whole or not at all, read back as they were."""

from hardener.store.database import Store, default_location

__all__ = ["Store", "default_location"]
