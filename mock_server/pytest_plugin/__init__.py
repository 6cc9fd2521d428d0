"""The pytest plugin: fixtures, options, a marker for faults, a network guard."""
