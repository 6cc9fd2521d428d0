"""Start the installed `crmcom-kit serve`, ask for its health, and end it as an operator would.

Run it with the Python of the environment the wheel is in, from outside the checkout.
"""

import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

#: Seconds for the whole visit; a healthy mock needs about one.
PATIENCE = 60


def main() -> str:
    """Visit the mock; say what is wrong, or nothing."""
    command = [str(Path(sys.executable).with_name("crmcom-kit")), "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as mock:
        # Whatever hangs, hangs no longer than this.
        watchdog = threading.Timer(PATIENCE, mock.kill)
        watchdog.start()
        try:
            wrong = _health(mock.stdout.readline())
        finally:
            mock.send_signal(signal.SIGTERM)
            status = mock.wait()
            watchdog.cancel()
    if status != 0 and not wrong:
        wrong = f"after SIGTERM the mock ended with status {status}, not 0"
    return wrong


def _health(first_line: str) -> str:
    """Ask the mock that printed this line; say what is wrong, or nothing."""
    address = re.match(r"READY\b.*?(https?://[^/\s]+)", first_line)
    if address is None:
        return f"the first line is no READY line with an address: {first_line!r}"
    with urllib.request.urlopen(f"{address[1]}/__admin/health", timeout=PATIENCE) as answer:
        return "" if answer.status == 200 else f"/__admin/health answered {answer.status}"


sys.exit(main() or 0)
