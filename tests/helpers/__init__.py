"""What several test modules build on, imported as ``helpers``."""
