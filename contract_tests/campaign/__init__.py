"""The campaign: which requests a run sends, in which order, and how suspicions are settled.

``connection`` sends a request and passes the exchange to the oracle; ``session`` adds the run's
token and the guard of changes. ``planning`` divides the budget, ``passes`` goes through the
templates, and ``campaign`` sends a drawn request, looks around it, and settles suspicions.
``drawing`` draws reads with open values from Hypothesis, and ``shortening`` reduces a violation to
the requests that show it.
"""
