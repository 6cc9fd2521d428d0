"""A loopback proxy in front of a server: forwards a client's requests, and has them checked."""
