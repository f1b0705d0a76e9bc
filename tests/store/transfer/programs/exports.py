"""One export of each program and layout, in the shapes that their exporters write. Names and texts are invented.

Each text that must come through holds a number after "§", of NUM_TEXTS; what is not kept is counted in NOT_KEPT.
"""

import json
from pathlib import Path
from typing import Any

from tests.store.transferable import zipped

_FOLDER = Path(__file__).parent / "files"


def file(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


def chat(program: str) -> dict[str, Any]:
    """The first, or the one, of its file."""
    value = json.loads(file(f"{program}.json"))
    found: dict[str, Any] = value[0] if isinstance(value, list) else value
    return found


def lines(*values: Any) -> bytes:
    return "\n".join(json.dumps(value, ensure_ascii=False) for value in values).encode()


FILES: dict[str, bytes] = {
    "chatgpt": file("chatgpt.json"),
    "chatgpt-2026.zip": zipped(
        {
            "export/conversations-000.json": file("chatgpt.json"),
            "export/user.json": b'{"id": "u", "email": "a@example.org"}',
            "export/file_1-cat.png": b"\x89PNG",
            "__MACOSX/export/._conversations-000.json": b"\x00\x05\x16\x07",
        }
    ),
    "openwebui": file("openwebui.json"),
    "openwebui-output": file("openwebui-output.json"),
    "openwebui-old": file("openwebui-old.json"),
    "librechat-flat": file("librechat-flat.json"),
    "librechat-tree": file("librechat-tree.json"),
    "claude": file("claude.json"),
    "claude-old": file("claude-old.json"),
    "lmstudio": file("lmstudio.json"),
    "llamacpp": file("llamacpp.json"),
    "llamacpp-lines": file("llamacpp.jsonl"),
    "llamacpp-old": file("llamacpp-old.json"),
    "llamacpp-lines.zip": zipped({"conversation_p-1.jsonl": file("llamacpp.jsonl")}),
    "jan.zip": zipped(
        {"threads/j-1/messages.jsonl": file("jan-messages.jsonl"), "threads/j-1/thread.json": file("jan-thread.json")}
    ),
    "anythingllm": file("anythingllm.json"),
    "anythingllm-lines": file("anythingllm.jsonl"),
    "gemini": file("gemini.json"),
}
NOT_KEPT: dict[str, dict[str, int]] = {
    "chatgpt": {"images": 2, "files": 1, "citations": 2},
    "chatgpt-2026.zip": {"images": 2, "files": 1, "citations": 2},
    "openwebui": {"files": 1, "ratings": 1, "settings": 1},
    "openwebui-output": {"images": 1},
    "librechat-flat": {"images": 1, "details": 1, "ratings": 1, "settings": 1},
    "librechat-tree": {"images": 1, "details": 1, "ratings": 1, "settings": 1},
    "claude": {"files": 1, "details": 1},
    "lmstudio": {"files": 1, "settings": 1, "details": 2},
    "llamacpp": {"images": 1},
    "llamacpp-lines": {"images": 1},
    "llamacpp-lines.zip": {"images": 1},
    "jan.zip": {"images": 1},
    "anythingllm": {"images": 1, "ratings": 1},
    "anythingllm-lines": {"images": 1},
    "gemini": {"images": 1},
}
NUM_TEXTS: dict[str, int] = {
    "chatgpt": 23,
    "chatgpt-2026.zip": 23,
    "openwebui": 19,
    "openwebui-output": 9,
    "openwebui-old": 3,
    "librechat-flat": 15,
    "librechat-tree": 15,
    "claude": 13,
    "claude-old": 3,
    "lmstudio": 13,
    "llamacpp": 12,
    "llamacpp-lines": 12,
    "llamacpp-lines.zip": 12,
    "llamacpp-old": 3,
    "jan.zip": 10,
    "anythingllm": 5,
    "anythingllm-lines": 3,
    "gemini": 4,
}
