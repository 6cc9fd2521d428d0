"""Servers that are wrong in one way each, and how the contract kit is measured with them.

The rows of ``table`` are made with the combinators of ``steps``, ``requests``, ``records`` and
``responses``. ``script`` tells a mutant from the sound server of ``stand_in``; ``random_mutants``
changes the sound server's source at random; ``measure`` runs the kit, as ``python -m mutants``
does. ``clients`` and ``recordings`` measure what is said of the client of a recording.
"""
