"""What the console says first is where the page is."""

import pytest

from bdchat.api.perimeter.addresses import Addresses
from bdchat.api.perimeter.greeting import SetUp, greeting
from bdchat.settings import Settings

HERE = "http://127.0.0.1:8000"
LAN = Addresses(HERE, ("http://192.168.0.12:8000", "http://10.8.0.2:8000"))
SET_UP = SetUp("ABCD-EFGH-JKMN-PQRS-TUVW", 60)


def test_the_page_comes_first_then_the_network_then_the_api() -> None:
    lines = greeting(Settings(), LAN, None, with_qr=False).splitlines()
    assert lines[0] == f"Open in a browser: {HERE}"
    assert lines[1:3] == [f"  on other devices of this network: {address}" for address in LAN.network]
    assert lines[-3].endswith(f"{HERE}/v1")
    assert f" {HERE} " in lines[-2]  # of Anthropic's and Ollama's clients
    assert lines[-1].startswith(f"  curl -N {HERE}/v1/chat/completions ")


@pytest.mark.parametrize(
    ("addresses", "base"),
    [
        (LAN, LAN.network[0]),
        (Addresses(HERE, (), "https://c.example/ai"), "https://c.example/ai"),
        (Addresses(HERE), HERE),
    ],
)
def test_the_first_accounts_link_opens_where_others_are(addresses: Addresses, base: str) -> None:
    lines = greeting(Settings(), addresses, SET_UP, with_qr=False).splitlines()
    assert f"  {base}/register?code={SET_UP.code}" in lines
    assert any("within 60 minutes" in line for line in lines)


def test_plain_http_in_a_network_is_said_and_tls_is_not() -> None:
    assert "bdchat cert" in greeting(Settings(), LAN, None, with_qr=False)
    tls = Addresses("https://127.0.0.1:8000", ("https://192.168.0.12:8000",))
    for quiet in (tls, Addresses(HERE), Addresses(HERE, (), "https://chat.example")):
        assert "bdchat cert" not in greeting(Settings(), quiet, None, with_qr=False)


def test_a_terminal_gets_a_picture_of_what_a_phone_should_open() -> None:
    assert "▀" not in greeting(Settings(), LAN, SET_UP, with_qr=False)
    assert "▀" not in greeting(Settings(), Addresses(HERE), None, with_qr=True)  # no other device can come
    assert greeting(Settings(), LAN, None, with_qr=True).count("\x1b[0m") > 10
    assert greeting(Settings(), LAN, SET_UP, with_qr=True).count("\x1b[0m") > 10
