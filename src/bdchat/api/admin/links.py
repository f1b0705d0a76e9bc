"""Links that an admin passes on: made of the address that their reader can open, with their picture. Event loop."""

from starlette.requests import Request

from bdchat.api.auth.authenticator import Authenticator
from bdchat.api.perimeter.addresses import link_to
from bdchat.api.perimeter.qr import qr_image
from bdchat.api.schemas.admin_people import PassedLink
from bdchat.settings import Settings


class Links:
    def __init__(self, settings: Settings, authenticator: Authenticator) -> None:
        self._settings = settings
        self._authenticator = authenticator

    def to(self, path: str, request: Request) -> PassedLink:
        """Of one of the page's own paths: "/register?code=…"."""
        link = link_to(path, request.scope, self._authenticator.peer(request.scope), self._settings)
        return PassedLink(address=link.address, is_local_only=link.is_local_only, qr=qr_image(link.address))
