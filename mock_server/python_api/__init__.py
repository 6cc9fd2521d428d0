"""The Python API of the mock: the mock itself, its worlds, and their records, requests and faults.

Its classes read and change the same worlds that are served over HTTP.
"""

from crmcom_kit.mock_server.python_api.mock import Mock, crmcom_mock
from crmcom_kit.mock_server.python_api.world import MockWorld

__all__ = ["Mock", "MockWorld", "crmcom_mock"]
