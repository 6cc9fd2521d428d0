"""One tenant: its content, clock and tokens, and how worlds are made, found and replaced."""
