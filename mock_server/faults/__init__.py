"""Faults: injected failures, which requests they match, and when. Knows no world."""
