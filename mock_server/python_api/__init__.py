"""What tests hold a mock by: the mock itself, its worlds, and their records, calls, clock, faults.

Nothing here is a second emulator: every handle reads and changes the worlds that are served, so
that what is done here and what is done over HTTP are the same.
"""

from crmcom_kit.mock_server.python_api.mock import Mock, crmcom_mock
from crmcom_kit.mock_server.python_api.world import MockWorld

__all__ = ["Mock", "MockWorld", "crmcom_mock"]
