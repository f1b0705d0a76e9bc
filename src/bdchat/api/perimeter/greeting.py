"""What the console says when the server listens: where the page is, for whom, and how a program asks. Pure."""

from dataclasses import dataclass

from bdchat.api.perimeter.addresses import Addresses
from bdchat.api.perimeter.qr import qr_lines
from bdchat.settings import Settings

QUESTION = '{"messages":[{"role":"user","content":"Hello!"}],"stream":true}'


@dataclass(frozen=True, slots=True)
class SetUp:
    """Of the first account, made from another device."""

    code: str
    lifetime_minutes: int


def greeting(settings: Settings, addresses: Addresses, set_up: SetUp | None, *, with_qr: bool) -> str:
    """The first line ends in the page's address on this machine. `with_qr`: the reader is a terminal."""
    lines = [f"Open in a browser: {addresses.here}"]
    lines += [f"  on other devices of this network: {address}" for address in addresses.network]
    if addresses.public:
        lines.append(f"  through the proxy: {addresses.public}")
    lines += _way_in(addresses, set_up, with_qr=with_qr)
    if addresses.network and not addresses.public and addresses.here.startswith("http:"):
        lines.append(
            "  Anybody who can listen in this network can read passwords on their way; `bdchat cert` helps (https)."
        )
    key = ' -H "Authorization: Bearer $BDCHAT_API_KEY"' if settings.server.api_key else ""
    model = "" if settings.models.default == "none" else f" of {settings.models.default}"
    lines.append(f"  OpenAI-compatible API{model} for programs: {addresses.here}/v1")
    lines.append(f"  for clients of Anthropic and of Ollama: {addresses.here} (docs/clients.md has a set-up for each)")
    insecure = " --insecure" if addresses.here.startswith("https:") else ""  # a certificate of one's own making
    lines.append(
        f"  curl -N{insecure} {addresses.here}/v1/chat/completions -H 'Content-Type: application/json'{key}"
        f" -d '{QUESTION}'"
    )
    return "\n".join(lines) + "\n"


def _way_in(addresses: Addresses, set_up: SetUp | None, *, with_qr: bool) -> list[str]:
    """The link that makes the first account, or the page's address for whoever has one; as a picture for phones."""
    elsewhere = addresses.elsewhere
    if set_up is None:
        return qr_lines(elsewhere) if elsewhere and with_qr else []
    link = f"{elsewhere or addresses.here}/register?code={set_up.code}"
    return [
        f"  There is no account yet. Who opens this link within {set_up.lifetime_minutes} minutes makes the first one,"
        " the administrator's:",
        f"  {link}",
        *(qr_lines(link) if with_qr else []),
    ]
