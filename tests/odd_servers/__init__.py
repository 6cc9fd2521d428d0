"""Odd servers that are right: each wraps the mock where the documents leave something open."""
