"""What goes wrong on purpose: which call it hits, and what it does to it."""
