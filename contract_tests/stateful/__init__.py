"""Generated requests: drawn by Hypothesis, checked against the kit's own model."""
