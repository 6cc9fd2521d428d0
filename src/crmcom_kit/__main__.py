"""Run the command `crmcom-kit` as `python -m crmcom_kit`."""

from crmcom_kit.cli import main

main(prog_name="crmcom-kit")
