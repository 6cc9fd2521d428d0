"""Measure the kit: ``python -m mutants``, with ``tests`` and ``benchmarks/kit`` on the path."""

from mutants.measure import main

if __name__ == "__main__":
    main()
