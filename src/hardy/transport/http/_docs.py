"""The page for people: one file, no request to anywhere else, drawn from the API document."""

import base64
import hashlib
import json
from collections.abc import Mapping

from hardy.transport.http._raw import Response


def pages(document: Mapping[str, object]) -> dict[str, Response]:
    """Return the ready answers that show *document*: ``/openapi.json`` and ``/docs``.

    Give them to `Transport` as its ``pages``. The page is drawn by a script of
    its own under a content security policy that names the script's hash: it
    loads nothing and can talk to this service only.

    Example:
        >>> sorted(pages({"openapi": "3.1.0", "info": {"title": "orders"}, "paths": {}}))
        ['/docs', '/openapi.json']
    """
    return {"/openapi.json": _json_page(document), "/docs": _html_page(document)}


def _json_page(document: Mapping[str, object]) -> Response:
    body = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return Response(200, {"content-type": "application/json", "cache-control": "no-cache"}, body)


def _html_page(document: Mapping[str, object]) -> Response:
    import html  # in production the page is off, and nobody needs what draws it
    from importlib.resources import files  # the same

    here = files("hardy.transport.http")
    style = (here / "_docs.css").read_text("utf-8")
    script = (here / "_docs.js").read_text("utf-8")
    info = document.get("info")
    title = str(info.get("title", "")) if isinstance(info, Mapping) else ""  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  # a document is plain data
    data = json.dumps(document, ensure_ascii=False).replace("<", "\\u003c")
    body = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<noscript>This page is drawn by a script of its own. The document itself is at /openapi.json.</noscript>
<script type="application/json" id="document">{data}</script>
<script>{script}</script>
</body>
</html>
"""
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
    }
    return Response(200, headers, body)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
