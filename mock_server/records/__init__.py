"""The webhook requests of a world: the store that keeps them, and the ways to find them."""
