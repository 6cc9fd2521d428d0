"""Generated calls: drawn by Hypothesis, foretold by a model of the kit's own."""
