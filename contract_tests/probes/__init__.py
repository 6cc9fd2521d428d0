"""Probes: fixed sequences of requests, one module for each subject."""
