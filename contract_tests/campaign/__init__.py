"""A run: what is sent, in which order, and how suspicions are settled."""
