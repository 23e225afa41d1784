"""Without keys: whoever is on this machine may call, and nobody may pretend to be.

A multipart form needs no preflight, so a foreign page could enrol; a rebound DNS name could read; a
proxy on this host would publish everything. So the connection must come from loopback, the `Host`
must name it, and nothing may hint at another site or at a proxy.
"""

import ipaddress
import re
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from model.errors import HostNotAllowed

# Whatever proxies, load balancers and content networks add to a request, by their own words.
_OF_A_PROXY: Final = re.compile(
    r"(x-)?forwarded(-.*)?|via|cdn-loop|max-forwards|x-original-.*|x-rewrite-url"
    r"|(.*-)?client-?ip|(x-)?real-?ip|x-remote-(ip|addr)|.*connecting-ip(v6)?"
    r"|x-host|x-https?-.*override|x-(url-)?scheme|x-proto(col)?|front-end-https|x-request-start"
    r"|(x-)?proxy.*|(x-)?(cf|envoy|amzn|amz-cf|azure|appengine|cloud-trace|vercel|fastly|fly)-.*"
    r"|(x-)?akamai-.*"
)
_HOST: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\s:@/\\\[\]]+)(:\d{1,5})?")


def require_local(scope: Scope) -> None:
    """Raises `HostNotAllowed` for what a web page or a proxy could send."""
    headers = Headers(scope=scope)
    client = scope.get("client")
    if client is None or not is_loopback(client[0]):
        raise HostNotAllowed("without keys only this machine may call")
    if any(_OF_A_PROXY.fullmatch(name) for name in headers):
        raise HostNotAllowed("without keys no forwarded request is taken")
    host = headers.get("host", "")
    name = _HOST.fullmatch(host)
    if name is None or not is_loopback(name["name"]):
        raise HostNotAllowed("without keys the Host header must name this machine")
    if headers.get("sec-fetch-site", "none").lower() not in {"none", "same-origin"}:
        raise HostNotAllowed("without keys no request of another site is taken")
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"{scope['scheme']}://{host}".lower():
        raise HostNotAllowed("without keys no request of another origin is taken")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's loopback."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
