"""A local mock of the CRM.COM Web API's webhook requests, and its contract test kit."""

# The build reads the version from here. Asking importlib.metadata for it would slow every start.
__version__ = "0.4.0"
