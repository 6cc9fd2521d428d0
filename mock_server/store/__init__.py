"""The webhook requests of a world: the store that holds them, and their life cycle."""
