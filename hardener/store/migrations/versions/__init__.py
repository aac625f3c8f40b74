"""One module for each version; a store only ever goes forward."""
