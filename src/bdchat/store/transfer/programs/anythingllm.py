"""An AnythingLLM export → Chat. Pure; believes nothing that it reads.

Its JSON has a row for each exchange, {"id", "prompt", "response", "sent_at", "workspace", "username", …}, and says of
no thread: jsonl.py gathers the rows of one workspace and user, as its own JSONL does, which has {"messages": […]} for
each workspace. bdchat's own JSONL has the same shape: OpenAI's, for training.
"""

import json
from typing import Any

from bdchat.store.transfer.chat import (
    MAX_TITLE_CHARS,
    BadChat,
    Chat,
    TransferMessage,
    line_of,
    origin_of,
    text_of,
    time_of,
)
from bdchat.store.transfer.programs.parts import NAME_CHARS, ROLES, Said, id_of, list_of, object_of, string_of

PROGRAM = "anythingllm"


def is_row(value: dict[str, Any]) -> bool:
    return {"prompt", "response", "sent_at", "workspace"} <= value.keys()


def is_chat(value: dict[str, Any]) -> bool:
    rows, messages = value.get("rows"), value.get("messages")
    if isinstance(rows, list) and value.keys() == {"workspace", "rows"}:
        return True
    if value.keys() != {"messages"} or not isinstance(messages, list) or not messages:
        return False
    return all(isinstance(each, dict) and each.keys() == {"role", "content"} for each in messages)


def chat_of(value: dict[str, Any]) -> Chat:
    """Raises BadChat."""
    chat = _of_rows(value) if "rows" in value else _of_messages(value["messages"])
    if all(message.content is None for message in chat.messages):
        raise BadChat("no_messages")
    return chat


def _of_rows(value: dict[str, Any]) -> Chat:
    rows = [object_of(row) for row in value["rows"]]
    name = line_of(value["workspace"], MAX_TITLE_CHARS)
    users = {line_of(row.get("username"), NAME_CHARS) for row in rows} - {""}
    chat = Chat(origin=origin_of(PROGRAM, f"{name}/{'/'.join(sorted(users))}"), title=name)
    above: str | None = None
    for number, row in enumerate(rows):
        at_ms = time_of(row.get("sent_at"))
        row_id = id_of(row.get("id")) or f"#{number}"
        question = Said(chat.not_kept)
        question.say(text_of(row.get("prompt")))
        for file in map(object_of, list_of(row.get("attachments"))):
            question.attach(line_of(file.get("type"), 20) or "file", file.get("name"))
        answer = Said(chat.not_kept)
        answer.say(text_of(_response(row.get("response"))))
        answer.leave_out("ratings", string_of(row.get("rating")) in {"GOOD", "BAD"})
        for said, role, own_id in ((question, "user", f"{row_id}.q"), (answer, "assistant", f"{row_id}.a")):
            chat.messages.append(TransferMessage(own_id, above, role, said.content or None, at_ms))
            above = own_id
    chat.head_id = above
    return chat


def _response(response: object) -> object:
    """Old exports have it as it is stored: {"text", "sources", …} in JSON."""
    if isinstance(response, str) and response[:1] == "{":
        try:
            held = json.loads(response)
        except (ValueError, RecursionError):
            return response
        if isinstance(held, dict) and isinstance(held.get("text"), str) and "sources" in held:
            return held["text"]
    return response


def _of_messages(messages: list[Any]) -> Chat:
    chat = Chat(origin=origin_of(PROGRAM, None))
    above: str | None = None
    for number, message in enumerate(messages):
        role = string_of(message["role"])
        if role not in ROLES:
            raise BadChat("unknown_message")
        said = Said(chat.not_kept)
        content = message["content"]
        for part in [content] if isinstance(content, str) else list_of(content):
            text = part if isinstance(part, str) else object_of(part).get("text")
            if isinstance(text, str):
                said.say(text_of(text))
            else:
                said.attach("image" if "image" in string_of(object_of(part).get("type")) else "file")
        if number == 0 and role == "system" and len(messages) > 1:
            chat.config = {"system_prompt": said.content} if said.content else None
            continue
        chat.messages.append(TransferMessage(str(number), above, role, said.content or None))
        above = str(number)
    chat.head_id = above
    return chat
