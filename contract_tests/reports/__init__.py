"""What is made of a run's results: for a terminal, for programs, for a browser."""
