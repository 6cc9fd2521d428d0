"""Lets httpx wait as long as tests do, in whichever process imports this.

It waits for 5 s by default, in one object that all its functions and clients have.
"""

import inspect

import httpx

from helpers.patience import PATIENCE

_DEFAULT: httpx.Timeout = inspect.signature(httpx.Client).parameters["timeout"].default
_DEFAULT.connect = _DEFAULT.read = _DEFAULT.write = _DEFAULT.pool = PATIENCE
