"""No reason in the status line, names of headers in lower case, two cookies, a quoted charset."""

from collections.abc import Iterable
from typing import Any

from sound_server.server import SoundServer

FACTS = "8.21"  # content type, charset and other headers of responses
CHOICES = {"content_type": 'Application/JSON; Charset="utf-8"; odata=none'}


class Server(SoundServer):
    """Writes its head as a newer Tomcat behind a proxy that speaks HTTP/2 does."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer with another head."""

        def start(status: str, head: list[tuple[str, str]], *more: Any) -> Any:
            head = [(name.lower(), value) for name, value in head]
            head += [
                ("set-cookie", "JSESSIONID=0000a1B2; Path=/; HttpOnly"),
                ("set-cookie", "ROUTE=node,2; Path=/crmapi; Secure"),
                ("vary", "Accept-Encoding, Origin"),
                ("content-language", "el-GR"),
                ("link", '</crmapi/rest/v3>; rel="successor-version"'),
                ("x-powered-by", "Servlet/3.0 JSP/2.2"),
            ]
            return start_response(f"{status[:3]} ", head, *more)

        return super().__call__(environ, start)
