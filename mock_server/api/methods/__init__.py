"""The methods of the API, each in one place."""
