"""Without keys: who is on this machine, and what only pretends to be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.types import Scope

from model.errors import HostNotAllowed
from service.app import create_app
from service.local import is_loopback, require_local
from service.settings import Settings
from tests.service.conftest import LOCAL
from tests.service.helpers import form

OF_A_PROXY = [
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "X-Forwarded-Server",
    "X-Forwarded-Prefix",
    "X-Forwarded-Ssl",
    "X-Forwarded-Client-Cert",
    "X-Forwarded",
    "Forwarded-For",
    "X-Real-IP",
    "X-Client-IP",
    "Client-IP",
    "X-Cluster-Client-IP",
    "Proxy-Client-IP",
    "WL-Proxy-Client-IP",
    "True-Client-IP",
    "Fastly-Client-IP",
    "Fly-Client-IP",
    "CF-Connecting-IP",
    "CF-Connecting-IPv6",
    "CF-Ray",
    "CF-Visitor",
    "CDN-Loop",
    "DO-Connecting-IP",
    "X-Original-For",
    "X-Original-Host",
    "X-Original-URL",
    "X-Original-Proto",
    "X-Rewrite-URL",
    "X-Remote-IP",
    "X-Remote-Addr",
    "X-HTTP-Host-Override",
    "X-Host",
    "X-Scheme",
    "X-Url-Scheme",
    "Front-End-Https",
    "X-Envoy-External-Address",
    "X-Amzn-Trace-Id",
    "X-Azure-ClientIP",
    "X-Azure-SocketIP",
    "X-Appengine-User-IP",
    "X-Cloud-Trace-Context",
    "X-ProxyUser-Ip",
    "Max-Forwards",
]

FOREIGN = [
    {"host": "evil.example"},
    {"host": "127.0.0.1.evil.example:8000"},
    {"host": "localhost:evil.com"},
    {"host": "localhost:80:80"},
    {"host": "localhost@evil.example"},
    {"host": "evil.example@localhost"},
    {"host": "localhost/evil.example"},
    {"host": "localhost evil.example"},
    {"host": "[::1]evil.example"},
    {"host": "[::1"},
    {"host": "192.168.0.1"},
    {"host": "0.0.0.0:8000"},
    {"host": ""},
    {"origin": "https://evil.example"},
    {"origin": "http://127.0.0.1:3000"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]

OWN = [
    {"host": "localhost:8000"},
    {"host": "LOCALHOST"},
    {"host": "127.0.0.1:1"},
    {"host": "[::1]:8000"},
    {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"},
    {"x-request-id": "abc", "user-agent": "curl/8", "accept": "*/*", "cache-control": "no-cache"},
]


@pytest.mark.parametrize("headers", [*FOREIGN, *({name: "x"} for name in OF_A_PROXY)], ids=str)
def test_what_a_web_page_or_a_proxy_could_send_is_refused(
    client: TestClient, headers: dict[str, str]
) -> None:
    for response in (
        client.get("/status", headers=headers),
        client.get("/readyz", headers=headers),
        client.post("/tracklets", files=form(1, n=1), headers=headers),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "host_not_allowed")


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_this_machine_and_the_own_page_may_call(
    client: TestClient, headers: dict[str, str]
) -> None:
    assert client.get("/status", headers=headers).status_code == 200


@pytest.mark.parametrize("address", ["10.0.0.7", "fe80::1", "not an address"])
def test_another_machine_is_refused(settings: Settings, address: str) -> None:
    with TestClient(create_app(settings), **(LOCAL | {"client": (address, 5000)})) as client:
        assert client.get("/status").json()["code"] == "host_not_allowed"


def scope(**headers: str) -> Scope:
    return {
        "type": "http",
        "scheme": "http",
        "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }


@given(st.text(st.characters(max_codepoint=255), max_size=40))
def test_a_host_that_passes_names_this_machine(host: str) -> None:
    try:
        require_local(scope(host=host))
    except HostNotAllowed:
        return
    name = host.rpartition(":")[0] if host[-1:].isdecimal() and ":" in host else host
    assert is_loopback(name or host)


@given(
    st.sampled_from(["x-forwarded-", "x-original-", "cf-", "x-envoy-"]),
    st.from_regex("[a-z0-9-]+", fullmatch=True),
)
def test_whatever_a_proxy_calls_it(family: str, rest: str) -> None:
    with pytest.raises(HostNotAllowed, match="forwarded"):
        require_local(scope(host="localhost", **{family + rest: "1"}))
