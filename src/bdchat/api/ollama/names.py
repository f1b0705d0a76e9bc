"""A model's name as Ollama's clients write it → the name it is served under."""

from bdchat.engine.errors import ModelNotFound
from bdchat.engine.router import Router

LATEST = ":latest"


class ModelNames:
    def __init__(self, router: Router) -> None:
        self._router = router

    def served(self, name: str) -> str:
        """Without ":latest", which every name without a tag has, where it is served without. Others are left as they
        are: whoever looks them up refuses them, or takes the default."""
        try:
            self._router.model_id_for(name)
        except ModelNotFound:
            return name.removesuffix(LATEST)
        return name
