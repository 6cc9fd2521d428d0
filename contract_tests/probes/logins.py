"""Probes of logins."""
