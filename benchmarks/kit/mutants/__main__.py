"""Measure the kit: ``make measure``."""

from mutants.measure import main

if __name__ == "__main__":
    main()
