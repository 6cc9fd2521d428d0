"""Probes of calling."""
