"""The fixed probes, by what they call."""
