"""The address that a link carries is one that its reader can open."""

import pytest

from bdchat.api.http.peer import Proxies
from bdchat.api.perimeter.addresses import Addresses, link_to, network_addresses, page_addresses
from bdchat.settings import AuthSettings, ServerSettings, Settings

HOME = ("192.168.0.12", "10.8.0.2")
PROXIED = Settings(
    server=ServerSettings(base_path="/chat", allowed_hosts=("chat.example",)),
    auth=AuthSettings(trusted_proxies=("127.0.0.1",)),
)


def serving(host: str = "127.0.0.1", **server: object) -> Settings:
    return Settings(server=ServerSettings(host=host, **server))  # type: ignore[arg-type]


def asked(settings: Settings, address: str, **headers: str) -> str:
    """The link to /x of somebody at `address`; "…" at its end: of use on the server's machine alone."""
    scope = {
        "type": "http",
        "scheme": "http",
        "server": ("127.0.0.1", 8123),
        "client": (address, 1),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    link = link_to("/x", scope, Proxies(settings.auth.trusted_proxies).peer(scope), settings)
    return link.address + ("…" if link.is_local_only else "")


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        (serving(), Addresses("http://127.0.0.1:8123")),
        (serving("::1"), Addresses("http://[::1]:8123")),
        (serving("0.0.0.0"), Addresses("http://127.0.0.1:8123", tuple(f"http://{host}:8123" for host in HOME))),
        (serving("192.168.0.12"), Addresses("http://192.168.0.12:8123", ("http://192.168.0.12:8123",))),
        (serving(base_path="/ai"), Addresses("http://127.0.0.1:8123/ai")),
        (PROXIED, Addresses("http://127.0.0.1:8123/chat", (), "https://chat.example/chat")),
    ],
)
def test_every_bind_has_its_addresses(settings: Settings, found: Addresses) -> None:
    assert page_addresses(settings, 8123, own=lambda: HOME) == found


def test_with_a_certificate_it_is_https_and_the_usual_port_is_not_said() -> None:
    server = serving("0.0.0.0", tls_cert="c", tls_key="k")
    assert page_addresses(server, 443, own=lambda: HOME[:1]) == Addresses(
        "https://127.0.0.1", ("https://192.168.0.12",)
    )


def test_who_came_by_a_name_of_the_network_hands_on_that_name() -> None:
    lan = serving("0.0.0.0")
    host = "192.168.0.12:8123"
    assert asked(lan, "192.168.0.7", host=host, origin=f"http://{host}") == f"http://{host}/x"
    assert asked(lan, "192.168.0.7", host=host) == f"http://{host}/x"  # a program, which sends no Origin
    assert asked(lan, "192.168.0.7", host=host, origin="https://evil.example") == f"http://{host}/x"


def test_a_proxys_host_scheme_and_path_are_in_it() -> None:
    forwarded = {"host": "127.0.0.1:8123", "x_forwarded_for": "203.0.113.9", "x_forwarded_host": "chat.example"}
    https = {"x_forwarded_proto": "https"}
    assert asked(PROXIED, "127.0.0.1", **forwarded, **https) == "https://chat.example/chat/x"
    assert asked(PROXIED, "127.0.0.1", **forwarded, origin="https://chat.example") == "https://chat.example/chat/x"
    assert asked(PROXIED, "127.0.0.1", host="127.0.0.1:8123") == "https://chat.example/chat/x"


def test_on_the_machine_itself_the_link_has_an_address_that_others_have() -> None:
    here = {"host": "127.0.0.1:8123", "origin": "http://127.0.0.1:8123"}
    assert asked(serving("192.168.0.12"), "127.0.0.1", **here) == "http://192.168.0.12:8123/x"
    assert asked(serving(), "127.0.0.1", **here) == "http://127.0.0.1:8123/x…"
    found = network_addresses()
    expected = f"http://{found[0]}:8123/x" if found else "http://127.0.0.1:8123/x…"
    assert asked(serving("0.0.0.0"), "127.0.0.1", **here) == expected


def test_of_this_machines_own_addresses_only_those_that_others_can_reach() -> None:
    assert not [found for found in network_addresses() if found.startswith(("127.", "169.254.", "0."))]
