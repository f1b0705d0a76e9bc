"""What the page says for each refusal, read from its sources: by the server's code, and by the page's own keys."""

import json
import re
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[1]
WEBUI = ROOT / "webui" / "src"
Language = Literal["ko", "en"]
LANGUAGES: tuple[Language, ...] = ("ko", "en")
GENERAL = {"invalid_value", "unsupported_parameter", "internal_error"}  # said by the field, or as a fault of the server


def keys_by_code() -> dict[str, str]:
    table = (WEBUI / "ui" / "use-error-text.ts").read_text("utf-8").partition("const TEXTS = {")[2].partition("} as")[0]
    return dict(re.findall(r'^  (\w+): "([\w.]+)"', table, re.MULTILINE))


def texts(language: Language) -> dict[str, str]:
    """Of all keys: "error.quota" → the sentence."""
    found: dict[str, str] = {}

    def collect(tree: dict[str, object], path: str) -> None:
        for name, value in tree.items():
            if isinstance(value, dict):
                collect(value, f"{path}{name}.")
            else:
                found[path + name] = str(value)

    for part in ("", "pages.", "admin."):
        collect(json.loads((WEBUI / "locales" / f"{part}{language}.json").read_text("utf-8")), "")
    return found


def key_of(code: str) -> str:
    """The page's key for what the server calls it."""
    general = "error.server" if code == "internal_error" else "error.refused"
    return general if code in GENERAL else keys_by_code()[code]
