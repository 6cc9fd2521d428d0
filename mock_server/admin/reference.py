"""Operations that tell of the control API itself: its document, and pages made from it."""

from importlib.resources import files
from typing import Any

from crmcom_kit.mock_server.admin.call import Call, Reply
from crmcom_kit.mock_server.admin.document import PREFIX, document

#: What the page is made of, and where it comes from: Swagger UI, or this package.
_SWAGGER_UI = "flask_swagger_ui"
_ASSETS = {
    "swagger-ui.css": (_SWAGGER_UI, "text/css; charset=utf-8"),
    "swagger-ui-bundle.js": (_SWAGGER_UI, "text/javascript; charset=utf-8"),
    "docs.css": (__package__, "text/css; charset=utf-8"),
    "docs.js": (__package__, "text/javascript; charset=utf-8"),
}
# Nothing is asked of any other host, whatever the page's parts would like.
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"


def openapi(call: Call) -> Any:
    """Return the control API's OpenAPI document, for this server and world."""
    here = {"url": f"{call.origin}{call.root}{PREFIX}", "description": "This world"}
    named = {
        "url": f"{call.origin}/worlds/{{world}}{PREFIX}",
        "description": "A named world",
        "variables": {"world": {"default": "my-test"}},
    }
    found = {**document(), "servers": [here, named]}
    if call.registry.access.admin_token is None:  # then nobody needs one
        del found["security"]
        found["components"] = {**found["components"]}
        del found["components"]["securitySchemes"]
    return found


def docs(call: Call) -> Any:
    """Return a page to browse the document in, and to try its calls."""
    del call
    return _page("docs.html", __package__, "text/html; charset=utf-8")


def docs_asset(call: Call) -> Any:
    """Return a part of that page."""
    name = call.path["asset"]
    package, content_type = _ASSETS[name]
    return _page(name, package, content_type)


def _page(name: str, package: str, content_type: str) -> Reply:
    folder = "dist" if package == _SWAGGER_UI else "pages"
    headers = (("Cache-Control", "no-cache"), ("Content-Security-Policy", _POLICY))
    content = files(package).joinpath(folder, name).read_bytes()
    return Reply(content, content_type=content_type, headers=headers)


OPERATIONS = {"openapi": openapi, "docs": docs, "docsAsset": docs_asset}
