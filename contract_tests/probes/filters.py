"""Probes of filters."""
