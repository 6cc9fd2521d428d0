"""The page on which people read an OpenAPI document and try its operations: Swagger UI.

It shows ``openapi.json`` from its own folder, and its files are below ``docs/``.
"""

from importlib.resources import files

from crmcom_kit.mock_server.admin.contract import Reply

_CSS, _JAVASCRIPT = "text/css; charset=utf-8", "text/javascript; charset=utf-8"
#: The content types of the page's files.
ASSETS = {
    "swagger-ui.css": _CSS,
    "swagger-ui-bundle.js": _JAVASCRIPT,
    "docs.css": _CSS,
    "docs.js": _JAVASCRIPT,
}
# The page requests nothing from any other host.
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'"
)
_HEADERS = (
    ("Cache-Control", "no-cache"),
    ("Content-Security-Policy", _POLICY),
    ("X-Frame-Options", "DENY"),  # against clickjacking: operations have effects
)


def reference_page(title: str) -> Reply[bytes]:
    """Return the page for a document with a title."""
    page = files(__package__).joinpath("pages", "docs.html").read_text("utf-8")
    content = page.replace("{title}", title).encode()
    return Reply(content, content_type="text/html; charset=utf-8", headers=_HEADERS)


def reference_asset(name: str) -> Reply[bytes]:
    """Return one of the ``ASSETS``."""
    is_of_package = name.startswith("swagger-ui")
    package, folder = ("flask_swagger_ui", "dist") if is_of_package else (__package__, "pages")
    content = files(package).joinpath(folder, name).read_bytes()
    return Reply(content, content_type=ASSETS[name], headers=_HEADERS)
