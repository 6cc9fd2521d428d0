"""``crmcom-kit calibrate`` and ``crmcom-kit diff``: their options and their help."""

import sys
from typing import Any

import click

from crmcom_kit.contract_tests.calibration.options import OF_CALIBRATE, OF_DIFF, ManyOptions


@click.command(
    cls=ManyOptions,
    context_settings={"auto_envvar_prefix": "CRMCOM_CALIBRATE"},
    params=OF_CALIBRATE,
)
def calibrate(**values: Any) -> None:
    """Learn how a server responds, and write a profile for `crmcom-kit serve --profile`.

    The run is read-only unless --allow and --scope are given. A recording can be used instead of
    requests, or before them, with --from-har. The profile has the server's webhook requests, with
    people and hosts replaced; passwords, keys and tokens are never in it. report.json has no data
    of the server.

    Exit status 0: the profile is written. 2: the run failed, or was interrupted; nothing is.
    """
    from crmcom_kit.contract_tests.calibration.calibrate_command import write_profile

    write_profile(values)


@click.command(
    cls=ManyOptions, context_settings={"auto_envvar_prefix": "CRMCOM_DIFF"}, params=OF_DIFF
)
def diff(**values: Any) -> None:
    """Send the same requests to a server and to a mock with its profile, and show what differs.

    So the server is compared with what it was when the profile was made. It is only read.

    Exit status 0: no documented request differs otherwise than the profile says. 1: some do. 2: the
    run failed, or was interrupted. 3: nothing differs, but too little was seen.
    """
    from crmcom_kit.contract_tests.calibration.diff_command import exit_code

    sys.exit(exit_code(values))
