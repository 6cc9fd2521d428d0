"""The records of one world, and the life cycle that they go through."""
