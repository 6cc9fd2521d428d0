"""The commands `serve` and `ready`."""
