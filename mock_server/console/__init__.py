"""The console: a page that shows live what an integration does; it uses the control API alone."""
