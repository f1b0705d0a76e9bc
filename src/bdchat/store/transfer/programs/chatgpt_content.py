"""What one message of a ChatGPT export says, as Markdown. Pure; believes nothing that it reads.

Its kind is `content_type`; what a text points to, and what is attached to it, stands in the message's metadata.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from bdchat.store.transfer.chat import line_of, text_of
from bdchat.store.transfer.programs.marks import DAGGER, matched_marks, resolved, without_directives
from bdchat.store.transfer.programs.parts import (
    Said,
    as_link,
    as_note,
    fenced,
    id_of,
    joined,
    kind_not_kept,
    list_of,
    object_of,
    string_of,
    written,
)

_ASSETS = {"image": "image", "audio": "audio", "video": "video", "file": "file"}
_CANVAS = "canmore."
_SILENT = {"all", "assistant"}  # recipients that are no tools
Attached = dict[str, tuple[str, str]]  # asset id → name, kind


def said_by(message: dict[str, Any], not_kept: dict[str, int]) -> Said:
    """Raises BadChat when a text is too long."""
    said = Said(not_kept)
    metadata = object_of(message.get("metadata"))
    role = object_of(message.get("author")).get("role")
    attached = _attachments(metadata)
    _content(said, message, metadata, attached)
    for name, kind in attached.values():
        said.attach(kind, name)
    _report(said, metadata)
    if role in ("assistant", "tool"):
        said.texts = _with_references(said, said.texts, metadata)
        said.thoughts = _with_references(said, said.thoughts, metadata)
    if role == "assistant":
        _name_tool(said, message.get("recipient"))
    if quoted := string_of(metadata.get("targeted_reply")).strip():
        said.texts.insert(0, "\n".join(f"> {line}" for line in quoted.splitlines()))
    if message.get("channel") == "analysis" and role == "assistant":
        said.thoughts += said.texts
        said.texts = []
    return said


def _content(said: Said, message: dict[str, Any], metadata: dict[str, Any], attached: Attached) -> None:
    content = object_of(message.get("content"))
    if isinstance(text := message.get("content"), str):
        said.say(text_of(text))
    elif not _canvas(said, message, content):
        _of_kind(said, content, metadata, attached)
    for image in map(object_of, list_of(object_of(metadata.get("aggregate_result")).get("messages"))):
        if image.get("message_type") == "image":
            said.attach("image", _bare_id(image.get("image_url")))
    if metadata.get("is_user_system_message") is True:
        told = object_of(metadata.get("user_context_message_data"))
        for text in _texts(told, "about_user_message", "about_model_message"):
            if not any(text in other for other in said.texts):
                said.say(text)


def _of_kind(said: Said, content: dict[str, Any], metadata: dict[str, Any], attached: Attached) -> None:
    kind = string_of(content.get("content_type")) or ("text" if content else "")
    if isinstance(parts := content.get("parts"), list):
        for part in parts:
            _part(said, part, metadata, attached)
    elif kind == "thoughts":
        for thought in map(object_of, list_of(content.get("thoughts"))):
            chunks = map(string_of, list_of(thought.get("chunks")))
            said.think(joined(_texts(thought, "summary", "content")) or joined(chunks))
    elif kind == "reasoning_recap":
        said.think(string_of(content.get("content")))
    elif kind in _SPECIAL:
        said.say(_SPECIAL[kind](content))
    elif kind:
        _unknown(said, kind, content)


def _unknown(said: Said, kind: str, content: dict[str, Any]) -> None:
    """Its text, or all of it as it is: a kind that comes tomorrow loses nothing."""
    text = string_of(content.get("text")).strip()
    rest = {name: value for name, value in content.items() if name not in {"content_type", "text"} and value}
    if kind == "text":
        said.say(text)
    else:
        said.say(joined([as_note(kind), text, fenced(written(rest), "json") if rest else ""]))


# --- kinds ------------------------------------------------------------------------------------------------------------


def _code(content: dict[str, Any]) -> str:
    language = string_of(content.get("language"))
    code = string_of(content.get("text")).strip()
    return fenced(code, language if language != "unknown" else "") if code else ""


def _output(content: dict[str, Any]) -> str:
    text = string_of(content.get("text")).strip() or string_of(content.get("output_str")).strip()
    return fenced(text) if text else ""


def _quote(content: dict[str, Any]) -> str:
    source = line_of(content.get("title") or content.get("domain") or content.get("url"), 200)
    address = string_of(content.get("url"))
    return joined([as_note("quote", source), address if address != source else "", *_texts(content, "snippet", "text")])


def _failure(content: dict[str, Any]) -> str:
    return joined([as_note("error", content.get("name") or "unknown"), string_of(content.get("text")).strip()])


def _found_pages(content: dict[str, Any]) -> str:
    return joined(_texts(content, "result", "summary"))


def _context(content: dict[str, Any]) -> str:
    return joined(_texts(content, "user_profile", "user_instructions", "model_set_context"))


_SPECIAL: dict[str, Callable[[dict[str, Any]], str]] = {
    "code": _code,
    "execution_output": _output,
    "citable_code_output": _output,
    "tether_quote": _quote,
    "sonic_webpage": _quote,
    "tether_browsing_display": _found_pages,
    "user_editable_context": _context,
    "model_editable_context": _context,
    "system_error": _failure,
}


def _texts(holder: dict[str, Any], *names: str) -> list[str]:
    return [text for name in names if isinstance(text := holder.get(name), str) and text.strip()]


# --- parts, attachments, canvases -------------------------------------------------------------------------------------


def _part(said: Said, part: object, metadata: dict[str, Any], attached: Attached) -> None:
    if isinstance(part, str):
        said.say(part)
        return
    if not isinstance(part, dict):
        said.say("" if part is None else f"[{type(part).__name__}]")
        return
    kind = string_of(part.get("content_type")) or "unknown part"
    if isinstance(text := part.get("text"), str):
        said.say(text if kind in {"text", "audio_transcription"} else f"[{line_of(kind, 100)}]\n\n{text}")
        return
    asset = next((note for word, note in _ASSETS.items() if word in kind), "")
    if not asset:
        _unknown(said, kind, part)
        return
    asset_id = _bare_id(part.get("asset_pointer"))
    name, _ = attached.pop(asset_id, ("", ""))
    drawn = object_of(object_of(part.get("metadata")).get("dalle")).get("prompt") or metadata.get("image_gen_title")
    said.attach(asset, name or part.get("name") or drawn or asset_id)
    for inner in ("audio_asset_pointer", "video_container_asset_pointer"):
        if isinstance(part.get(inner), dict | str):
            said.leave_out("recordings")
    said.leave_out("images", len(list_of(part.get("frames_asset_pointers"))))


def _attachments(metadata: dict[str, Any]) -> Attached:
    found: Attached = {}
    for number, file in enumerate(map(object_of, list_of(metadata.get("attachments")))):
        name = line_of(file.get("name"), 500)
        mime = string_of(file.get("mime_type") or file.get("mimeType"))
        kind = next((note for word, note in _ASSETS.items() if mime.startswith(word)), "file")
        if name or file.get("id"):
            found[id_of(file.get("id")) or f"#{number}"] = (name or line_of(file.get("id"), 200), kind)
    return found


def _bare_id(pointer: object) -> str:
    """ "file-service://file-abc", "sediment://file_0a1b" → what names it in the export's folder."""
    return line_of(string_of(pointer).rpartition("://")[2].partition("?")[0], 200)


def _canvas(said: Said, message: dict[str, Any], content: dict[str, Any]) -> bool:
    """A document beside the chat is written and changed by calls of a tool whose arguments are JSON."""
    recipient = string_of(message.get("recipient"))
    if not recipient.startswith(_CANVAS):
        return False
    parts = [part for part in list_of(content.get("parts")) if isinstance(part, str)]
    asked = string_of(content.get("text")) or "".join(parts)
    try:
        document = json.loads(asked)
    except (ValueError, RecursionError):
        return False
    if not isinstance(document, dict) or not isinstance(text := document.get("content"), str):
        return False
    kind, _, language = string_of(document.get("type")).partition("/")
    said.say(as_note("canvas", document.get("name")))
    said.say(fenced(text_of(text), language) if kind == "code" else text_of(text))
    return True


def _name_tool(said: Said, recipient: object) -> None:
    named = string_of(recipient)
    if named and named not in _SILENT and said.texts and not named.startswith(f"{_CANVAS}create"):
        said.texts.insert(0, as_note("tool", named))


def _report(said: Said, metadata: dict[str, Any]) -> None:
    """Of Deep Research: the message shows a widget, whose state holds the report as a message of its own, in JSON."""
    state = object_of(metadata.get("chatgpt_sdk")).get("widget_state")
    if isinstance(state, str):
        try:
            state = json.loads(state)
        except (ValueError, RecursionError):
            said.leave_out("details")
            return
    report = object_of(object_of(state).get("report_message"))
    texts = [text_of(text) for text in list_of(object_of(report.get("content")).get("parts"))]
    for text in _with_references(said, texts, object_of(report.get("metadata"))):
        said.say(text)


# --- what a text points to --------------------------------------------------------------------------------------------


def _with_references(said: Said, texts: list[str], metadata: dict[str, Any]) -> list[str]:
    if not texts:
        return []
    shown: dict[str, str] = {}
    for reference in map(object_of, list_of(metadata.get("content_references"))):
        instead = _shown(reference)
        for mark in matched_marks(string_of(reference.get("matched_text"))):
            shown.setdefault(mark, instead)
            instead = ""  # once for all marks of one reference
    for mark, address in _cited(texts[0], metadata):
        shown.setdefault(mark, address)
    return [_resolved(said, text, shown) for text in texts]


def _resolved(said: Said, text: str, shown: dict[str, str]) -> str:
    text, num_unknown = resolved(text, shown)
    if ":::" in text or ":contentReference" in text:
        text, num_dropped = without_directives(text)
        num_unknown += num_dropped
    said.leave_out("citations", num_unknown)
    return text


def _shown(reference: dict[str, Any]) -> str:
    if (alt := string_of(reference.get("alt"))).strip():
        return alt
    if name := line_of(reference.get("name"), 500):
        return name
    kind = string_of(reference.get("type"))
    if kind_not_kept(kind) == "images":
        images = [object_of(each) for each in list_of(reference.get("images")) or list_of(reference.get("items"))]
        return " ".join(as_note("image", image.get("title")) for image in images[:20])
    pages = [object_of(each) for each in (*list_of(reference.get("items")), *list_of(reference.get("sources")))]
    links = [link for page in (pages or [reference])[:20] if (link := _link(page))]
    return f"({', '.join(links)})" if links else ""


def _link(page: dict[str, Any]) -> str:
    address = line_of(page.get("url"), 2000)
    title = line_of(page.get("title") or page.get("attribution") or page.get("name"), 200)
    return as_link(title, address) if address else title


def _cited(text: str, metadata: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Until 2024: 【12†source】 at a place in the text, and the page it points to."""
    for citation in map(object_of, list_of(metadata.get("citations"))):
        start, end = citation.get("start_ix"), citation.get("end_ix")
        if isinstance(start, int) and isinstance(end, int) and 0 <= start < end and DAGGER.fullmatch(text, start, end):
            link = _link(object_of(citation.get("metadata")))
            if link:
                yield text[start:end], f"({link})"
