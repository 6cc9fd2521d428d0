"""Checks: what every response must keep, and what must stay as it was."""
