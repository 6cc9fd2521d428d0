"""The console: a live page of what an integration does; it uses only the control API."""
