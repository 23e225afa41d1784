"""The web page: its document, and the files that the document asks for.

Neither needs a key: they are the same for everybody and hold nothing of the gallery. What the page
shows it fetches from the other routes, with the key that its user enters.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Header, Response
from fastapi.responses import HTMLResponse

from model.errors import NotFound
from service.auth import needs
from service.responses import Responses, public_problems

FOLDER: Final = Path(__file__).parents[1] / "page"
DOCUMENT: Final = "index.html"

MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What is served; other files beside the page's own, such as licences, are not."""

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Nothing from elsewhere, nothing inline, no text that becomes markup or code.

Pictures are blobs, because an `<img>` cannot send the key.
"""

_UNCHANGED: Final[Responses] = {304: {"description": "The caller has this very content."}}

router = APIRouter(tags=["page"])


@dataclass(frozen=True)
class Asset:
    """One file as it is sent."""

    content: bytes
    media_type: str
    tag: str
    """Its entity tag: a browser that has this very content gets 304."""


@cache
def read_assets() -> Mapping[str, Asset]:
    """The page's files by their path below its folder, read once."""
    files = [path for path in FOLDER.rglob("*") if path.suffix in MEDIA_TYPES]
    return {path.relative_to(FOLDER).as_posix(): _asset(path) for path in files}


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return Asset(content, MEDIA_TYPES[path.suffix], f'"{digest[:32]}"')


KnownTag = Annotated[str | None, Header(alias="if-none-match", include_in_schema=False)]


@router.get(
    "/",
    summary="The web page",
    response_class=HTMLResponse,
    responses=public_problems() | _UNCHANGED,
    openapi_extra=needs(None),
)
async def read_page(known: KnownTag = None) -> Response:
    return _send(read_assets()[DOCUMENT], known)


@router.get(
    "/assets/{path:path}",
    summary="A file of the web page",
    response_class=Response,
    responses=public_problems(404)
    | _UNCHANGED
    | {
        200: {
            "content": {kind.partition(";")[0]: {} for kind in MEDIA_TYPES.values()},
            "description": "The file.",
        },
    },
    openapi_extra=needs(None),
)
async def read_asset(path: str, known: KnownTag = None) -> Response:
    asset = read_assets().get(path)
    if asset is None or path == DOCUMENT:
        raise NotFound("the page has no such file")
    return _send(asset, known)


def _send(asset: Asset, known: str | None) -> Response:
    headers = {
        "content-security-policy": POLICY,
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        # Asked for again each time, sent again only when it has changed.
        "cache-control": "no-cache",
        "etag": asset.tag,
    }
    if known is not None and asset.tag in {tag.strip() for tag in known.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)
