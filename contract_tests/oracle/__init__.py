"""The oracle: observes exchanges, keeps the belief, and finds what is suspect.

``parsing`` reads the request, ``expectations`` decides whether it must be served, and
``client_mistakes`` finds what is wrong with it. A difference is a suspicion (``suspicions``):
ordered hypotheses of the kinds in ``confirmations``, which send requests through an ``Asker``, the
campaign. Confirmed suspicions are ``findings``.
"""
