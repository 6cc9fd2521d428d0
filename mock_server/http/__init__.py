"""The outside over HTTP: the server, the Flask application, the access log."""
