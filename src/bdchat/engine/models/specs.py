"""How people write where a model is to be fetched from → the spec that a source reads. Pure."""

import re
from urllib.parse import unquote

# The address of a file's page on the hub, or of its download button
_HUB_ADDRESS = re.compile(
    r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/(?P<repo>[^/\s]+/[^/\s]+)/(?:resolve|blob)/(?P<revision>[^/\s]+)"
    r"/(?P<file>[^?#]+)(?:[?#].*)?",
    re.IGNORECASE,
)


def as_spec(text: str) -> str:
    """Unchanged unless it is an address on the hub: then hf:OWNER/REPO/FILE@REVISION."""
    match = _HUB_ADDRESS.fullmatch(text.strip())
    if match is None:
        return text
    return f"hf:{match['repo']}/{unquote(match['file'])}@{unquote(match['revision'])}"


def names_a_source(spec: str) -> bool:
    """Rather than the catalogue or this machine's disk."""
    return spec.startswith(("hf:", "pypi:"))
