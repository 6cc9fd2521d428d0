"""Let `python -m crmcom_kit` do what `crmcom-kit` does."""

from crmcom_kit.cli import main

main(prog_name="crmcom-kit")
