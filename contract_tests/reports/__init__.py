"""Reports: the results of a run for a terminal, for programs, and for a browser."""
