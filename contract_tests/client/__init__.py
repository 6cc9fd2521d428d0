"""Sending: calls, the answers to them, tokens, and the limits that all of it keeps."""
