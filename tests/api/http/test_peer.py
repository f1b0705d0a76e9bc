"""Whom proxies speak for, and by which names a client knows us."""

import pytest

from bdchat.api.http.peer import Peer, Proxies

PROXY, INNER, FAR = "10.0.0.1", "10.0.0.2", "203.0.113.5"


def peer(*headers: str, client: str = PROXY) -> Peer:
    raw = [(name.encode(), value.encode()) for name, _, value in (header.partition(": ") for header in headers)]
    return Proxies(["10.0.0.0/8"]).peer({"type": "http", "scheme": "http", "client": (client, 1), "headers": raw})


@pytest.mark.parametrize(
    "headers",
    [
        (f"x-forwarded-for: 1.2.3.4, {FAR}", "x-forwarded-proto: http, https", "x-forwarded-host: evil, a.example"),
        (f"x-forwarded-for: {FAR}, {INNER}", "x-forwarded-proto: https, http", "x-forwarded-host: a.example, inner"),
        (f"x-forwarded-for: {FAR}", "x-forwarded-proto: https", "host: a.example"),
        (f"forwarded: for=1.2.3.4;proto=http;host=evil, for={FAR};proto=https;host=a.example",),
        (f'forwarded: for="{FAR}:4711";proto=https;host="a.example"', f"forwarded: for={INNER};proto=http;host=inner"),
        (f"forwarded: FOR={FAR} ; Proto=HTTPS ; by=_x ; Host=A.example",),
        ('forwarded: for="unclosed, for=1.2.3.4', f"forwarded: for={FAR};proto=https;host=a.example"),
        (f"x-forwarded-for: {FAR}", "x-forwarded-proto: https", "host: a.example", "forwarded: for=1.2.3.4;host=evil"),
    ],
)
def test_what_the_outermost_trusted_proxy_says_is_believed(headers: tuple[str, ...]) -> None:
    found = peer("host: upstream", *headers) if not any(h.startswith("host") for h in headers) else peer(*headers)
    assert (found.address, found.is_https, found.asked_host, found.is_local) == (FAR, True, "a.example", False)


def test_ipv6_is_written_in_brackets_and_quotes() -> None:
    found = peer('forwarded: for="[2001:db8::1]:4711";host="[2001:db8::2]:8443"')
    assert (found.address, found.authorities[0]) == ("2001:db8::1", ("[2001:db8::2]", 8443))


@pytest.mark.parametrize(
    "slip", ['for="x', "for", "for=1.2.3.4 host=a", "=a", "for=1.2.3.4;;", ",for=1.2.3.4", 'for="1.2.3.4"x']
)
def test_a_malformed_header_says_nothing(slip: str) -> None:
    found = peer("host: a.example", f"forwarded: {slip}")
    assert (found.address, found.asked_host) == (PROXY, "a.example")


def test_a_stranger_speaks_for_nobody() -> None:
    headers = ("host: a.example", "x-forwarded-for: 1.2.3.4", "x-forwarded-proto: https", "x-forwarded-host: evil")
    found = peer(*headers, "forwarded: for=1.2.3.4", client=FAR)
    assert (found.address, found.is_https, found.authorities) == (FAR, False, (("a.example", None),))


@pytest.mark.parametrize("header", ["x-forwarded-port: 1", "x-forwarded-prefix: /x", "forwarded: for=x", "via: x"])
def test_what_came_through_anybody_is_not_this_machine(header: str) -> None:
    assert peer("host: localhost", client="127.0.0.1").is_local
    assert not peer("host: localhost", header, client="127.0.0.1").is_local


@pytest.mark.parametrize(
    ("headers", "own", "foreign"),
    [
        ("host: a.example", "http://a.example https://a.example https://A.example:443", "http://a.example:443"),
        ("host: a.example:8000", "http://a.example:8000 https://a.example:8000", "http://a.example https://b.example"),
        ("host: a.example:443", "https://a.example", "http://a.example"),
        ("host: [::1]:80", "http://[::1]", "https://[::1] http://[::2]"),
        ("host: a.example|x-forwarded-port: 8443", "https://a.example:8443 https://a.example", "https://a.example:1"),
        ("host: a.example|x-forwarded-host: a.example:8443", "https://a.example:8443", "https://b.example:8443"),
        (
            "host: a.example:8443|x-forwarded-host: a.example",
            "https://a.example:8443 https://a.example",
            "http://a:8443",
        ),
        ("host: up:8000|x-forwarded-host: a.example|x-forwarded-port: 443", "https://a.example", "http://up:8000"),
        ("host: a.example|x-forwarded-port: no", "https://a.example", "null vscode-webview://a.example https://"),
    ],
)
def test_which_origins_are_our_own(headers: str, own: str, foreign: str) -> None:
    found = peer(*headers.split("|"))
    assert [origin for origin in own.split() if not found.owns(origin.encode())] == []
    assert [origin for origin in foreign.split() if found.owns(origin.encode())] == []
