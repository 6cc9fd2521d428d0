"""Probes of deletes."""
