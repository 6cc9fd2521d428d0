"""The emulated API: dispatch a request to its method and return the response. No web framework."""
