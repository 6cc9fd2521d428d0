"""Probes of lists."""
