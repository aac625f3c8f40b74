"""Keeps runs: written whole or not at all, read back as they were."""

from hardener.store.database import RunSummary, Store, default_location

__all__ = ["RunSummary", "Store", "default_location"]
