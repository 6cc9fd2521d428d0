"""The commands `serve` and `fire`."""
