"""Probes of resends."""
