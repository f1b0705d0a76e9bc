"""Open WebUI's own markup in its texts, <details type="reasoning | tool_calls | code_interpreter">, taken apart. Pure.

Newer versions escape what stands in it and begin each line of a thought with ">"; attributes hold JSON, escaped. What
stands in a fence is quoted, and <details> without such a type is what a model wrote: both stay as they are.
"""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bdchat.store.transfer.programs.parts import Said, as_note, fenced, list_of, object_of, string_of

_NEXT = re.compile(
    r'(?P<fence>^ {0,3}(?:`{3,}|~{3,}))|<details\s+type="(?:reasoning|tool_calls|code_interpreter)"',
    re.MULTILINE,
)
_TAG = re.compile(r'<details\b(?P<attributes>(?:[^>"]|"[^"]*+")*+)>')
_ATTRIBUTE = re.compile(r'(?<![a-z_])([a-z_]++)="([^"]*+)"')
_EDGE = re.compile(r"<(/?)details\b")
_SUMMARY = re.compile(r"\s*<summary>(.*?)</summary>[ \t]*\n?", re.DOTALL)
_QUOTED = re.compile(r"^[ \t]*> ?", re.MULTILINE)
_UNESCAPED = re.compile("[<>\"']")


@dataclass(frozen=True, slots=True)
class Block:
    kind: str  # "": text
    text: str  # of the text, or what stands between the tags, its summary left out
    attributes: dict[str, str]


def say(said: Said, content: str) -> None:
    """What a text with such markup says: thoughts, calls of tools, code that was run, and the text around them."""
    for block in blocks(content):
        if block.kind == "reasoning":
            said.think(_thought(block.text))
        elif block.kind == "tool_calls":
            _call(said, block)
        elif block.kind == "code_interpreter":
            _run(said, block)
        else:
            said.say(block.text.strip("\n"))


def blocks(content: str) -> Iterator[Block]:
    """In their order; the text between them as blocks of their own."""
    if "<details" not in content:
        yield Block("", content, {})
        return
    start = at = 0
    while found := _NEXT.search(content, at):
        if found["fence"]:
            at = _after_fence(content, found)
            continue
        tag = _TAG.match(content, found.start())
        if tag is None:  # it broke off inside the tag
            break
        if text := content[start : found.start()]:
            yield Block("", text, {})
        inner_end, at = _end(content, tag.end())
        attributes = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(tag["attributes"])}
        inner = content[tag.end() : inner_end]
        summary = _SUMMARY.match(inner)
        yield Block(attributes.pop("type", ""), inner[summary.end() :] if summary else inner, attributes)
        start = at
    if text := content[start:]:
        yield Block("", text, {})


def _after_fence(content: str, opening: re.Match[str]) -> int:
    mark = opening["fence"].strip()
    closing = re.compile(rf"^ {{0,3}}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$", re.MULTILINE)
    found = closing.search(content, opening.end())
    return found.end() if found else len(content)


def _end(content: str, at: int) -> tuple[int, int]:
    """Where what stands in it ends, and what follows begins. An answer that broke off has no end."""
    depth = 1
    for edge in _EDGE.finditer(content, at):
        depth += -1 if edge[1] else 1
        if not depth:
            return edge.start(), content.find(">", edge.start()) + 1 or len(content)
    return len(content), len(content)


def _thought(text: str) -> str:
    text = _unescaped(text.strip())
    return _QUOTED.sub("", text) if text.startswith(">") else text


def _call(said: Said, block: Block) -> None:
    """One call in the attributes; until 0.5 several, as OpenAI writes them, and their results beside them."""
    attributes = block.attributes
    calls = list_of(_decoded(attributes.get("content", "")))
    if not calls:
        result = attributes.get("result", "") or _unescaped(block.text.strip())
        said.call(attributes.get("name", ""), attributes.get("arguments", ""), result)
    results = {
        each.get("tool_call_id"): each for each in map(object_of, list_of(_decoded(attributes.get("results", ""))))
    }
    for call in map(object_of, calls):
        asked = object_of(call.get("function"))
        answer = results.get(string_of(call.get("id")), {})
        said.call(asked.get("name"), asked.get("arguments"), answer.get("content"))
    for file in list_of(_decoded(attributes.get("files", ""))):
        kind = string_of(object_of(file).get("type")) or (
            "image" if string_of(file).startswith("data:image") else "file"
        )
        said.attach(kind, object_of(file).get("name"))


def _run(said: Said, block: Block) -> None:
    said.say(_unescaped(block.text).strip("\n"))
    say_output(said, _decoded(block.attributes.get("output", "")) or block.attributes.get("output", ""))


def say_output(said: Said, output: object) -> None:
    """Of code that was run: {"stdout", "stderr", "result"}, or a text."""
    texts = [output] if isinstance(output, str) else [string_of(each) for each in object_of(output).values()]
    if shown := "\n".join(text for text in texts if text.strip()):
        said.say(f"{as_note('result')}\n\n{fenced(shown)}")


def _unescaped(text: str) -> str:
    """Older versions did not escape: what has one of these characters is not escaped."""
    return text if _UNESCAPED.search(text) else html.unescape(text)


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
