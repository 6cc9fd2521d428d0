"""Judging: what every answer must keep, and what must be as it last was."""
