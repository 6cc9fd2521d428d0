"""Servers that are wrong in one way each, and how the contract kit is measured with them.

The rows of ``table`` are made with the combinators of ``steps``, ``requests``, ``records`` and
``responses``. ``make measure`` runs the kit against them, by ``measure``. ``make measure PART=``
runs the other measures: ``clients`` and ``recordings`` (the results for the client of a recording),
``machine`` (what the state machine finds), and ``alike`` (how alike a calibrated mock is).
"""
