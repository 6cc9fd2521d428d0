"""What is known of a server."""
