"""Servers that are wrong in one way each, and how the contract kit is measured with them.

The rows of ``table`` are made with the combinators of ``combinators`` and ``steps``. ``make
measure`` runs the kit against them and against legal servers, by ``measure``; ``make measure
PART=alike`` measures how alike a calibrated mock is.
"""
