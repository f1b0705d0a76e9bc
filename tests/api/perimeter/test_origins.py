"""Which origins a listed name or pattern stands for, and which lists no server starts with."""

import pytest
from pydantic import SecretStr, ValidationError

from bdchat.api.http.security import UnsafeBind
from bdchat.api.perimeter.origins import ListedOrigins, check_origins
from bdchat.settings import AuthSettings, ServerSettings


@pytest.mark.parametrize(
    ("listed", "are", "are_not"),
    [
        ("https://app.example", "https://app.example HTTPS://APP.EXAMPLE", "http://app.example https://app.example:1"),
        ("https://app.example/", "https://app.example", "https://app.example.evil https://xapp.example"),
        ("http://localhost:*", "http://localhost http://localhost:3000", "http://localhost.evil http://x.localhost:1"),
        ("https://*.example.com", "https://a.example.com https://a.b.example.com", "https://example.com"),
        ("https://*.example.com", "", "https://evilexample.com https://x.example.com.evil https://a.example.com:1"),
        ("vscode-webview://*", "vscode-webview://1a2b-3c", "vscode-webview2://1a2b https://1a2b"),
        ("vscode-webview:", "vscode-webview://1a2b-3c vscode-webview://", "vscode-webviewx://1"),
        ("app://obsidian.md", "app://obsidian.md", "app://obsidianxmd app://x.obsidian.md"),
        ("capacitor://localhost", "capacitor://localhost", "ionic://localhost"),
        ("file://", "file://", "https://file"),
        ("tauri://localhost", "tauri://localhost", "https://tauri.localhost"),
        ("http://[::1]:3000", "http://[::1]:3000", "http://[::1]"),
        ("http://*:3000", "http://10.0.0.7:3000 http://[::1]:3000", "http://10.0.0.7 http://10.0.0.7:30001"),
        ("null", "null", "nullx"),
        ("*", "https://a.example null app://x", ""),
    ],
)
def test_a_listed_origin(listed: str, are: str, are_not: str) -> None:
    origins = ListedOrigins(ServerSettings(cors_origins=(listed,)).cors_origins)
    assert [origin for origin in are.split() if origin.encode() not in origins] == []
    assert [origin for origin in are_not.split() if origin.encode() in origins] == []


def test_nothing_listed_is_nobody() -> None:
    assert not ListedOrigins(())
    assert b"" not in ListedOrigins(())


@pytest.mark.parametrize("slip", ["app.example", "https://app.example/path", "https://a b", "https://a*.example", ""])
def test_what_is_no_origin_is_refused_with_the_way_to_write_one(slip: str) -> None:
    with pytest.raises(ValidationError, match="is no origin: write a scheme and host"):
        ServerSettings(cors_origins=(slip,))


@pytest.mark.parametrize("listed", ["*", "null", "https://*", "http:", "http://*:3000"])
def test_no_server_without_keys_is_open_to_every_page(listed: str) -> None:
    server = ServerSettings(cors_origins=("https://app.example", listed))
    with pytest.raises(UnsafeBind, match="any web page"):
        check_origins(server, AuthSettings())
    check_origins(server, AuthSettings(local_guest=False))
    check_origins(server.model_copy(update={"api_key": SecretStr("k")}), AuthSettings())
    check_origins(ServerSettings(cors_origins=("vscode-webview://*", "https://*.example.com")), AuthSettings())
