"""Requests and responses of the API: bytes to typed values and back, in one release and dialect."""
