"""The HTTP client of `bdchat chat`."""

from pathlib import Path

import pytest

from bdchat.chat_client import ChatClient, ChatError


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_that_cannot_be_read_is_one_line(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "cert.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ChatError, match="cannot be read as a certificate"):
        ChatClient("https://127.0.0.1:1", certificate=path)
