"""A bare application under waitress, with the mock's own settings: ``MODULE PORT``."""

import sys
from importlib import import_module

from waitress import serve

if __name__ == "__main__":
    serve(
        import_module(sys.argv[1]).app,
        host="127.0.0.1",
        port=int(sys.argv[2]),
        threads=8,
        connection_limit=1000,
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=True,
        ident=None,
    )
