"""The client: requests, their responses, tokens, and the limits that all requests keep."""
