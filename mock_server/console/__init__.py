"""The console: a live page about the requests of an integration, made with the control API."""
