"""The options of a run, and the file of known deviations."""
