"""A run, live or over a recording: its configuration and its results."""
