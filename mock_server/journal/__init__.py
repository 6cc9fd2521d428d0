"""The journal of a world: its entries, views of them, patterns, verification, waiting."""
