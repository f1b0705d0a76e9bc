"""Open WebUI's markup in its texts, taken apart."""

import pytest

from bdchat.store.transfer.programs.details import say
from bdchat.store.transfer.programs.parts import Said

THOUGHT = '<details type="reasoning" done="true">\n<summary>Thought</summary>\n'


def said_by(content: str) -> str:
    said = Said({})
    say(said, content)
    return said.content


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"{THOUGHT}&gt; a &lt; b\n&gt;\n&gt; c\n</details>\nyes", "<think>\na < b\n\nc\n</think>\n\nyes"),
        (f"{THOUGHT}> a &lt; b\n</details>\nyes", "<think>\na &lt; b\n</think>\n\nyes"),  # not escaped in old versions
        (f"{THOUGHT}&gt; cut of", "<think>\ncut of\n</think>"),
        (f"{THOUGHT}> a\n> <details>own</details>\n</details>b", "<think>\na\n<details>own</details>\n</think>\n\nb"),
        (f"before\n{THOUGHT}&gt; a\n</details>\nafter", "<think>\na\n</think>\n\nbefore\n\nafter"),
        (f"````\n```\n{THOUGHT}> a\n</details>\n````\nend", f"````\n```\n{THOUGHT}> a\n</details>\n````\nend"),
        ("<details><summary>S</summary>own</details>", "<details><summary>S</summary>own</details>"),
        ('<details type="reasoning" done="tr', '<details type="reasoning" done="tr'),
        ('<details type="tool_calls" name="f" arguments="" result="">\n<summary>S</summary>\n</details>', "[tool: f]"),
        (
            '<details type="tool_calls" name="f">\n<summary>S</summary>\n```json\n{"a": 1}\n```\n</details>\nend',
            '[tool: f]\n\n[result]\n\n````\n```json\n{"a": 1}\n```\n````\n\nend',
        ),
        (
            '<details type="tool_calls" content="[{&quot;id&quot;: &quot;c&quot;, &quot;function&quot;:'
            ' {&quot;name&quot;: &quot;f&quot;, &quot;arguments&quot;: &quot;{}&quot;}}]" results="[{&quot;tool_call_id'
            '&quot;: &quot;c&quot;, &quot;content&quot;: &quot;r&quot;}]">\n<summary>S</summary>\n</details>',
            "[tool: f]\n\n```json\n{}\n```\n\n[result]\n\n```\nr\n```",
        ),
    ],
)
def test_each_block_becomes_what_it_stands_for(content: str, expected: str) -> None:
    assert said_by(content) == expected


@pytest.mark.parametrize("piece", ['<details type="reasoning" ', "<details ", '<details type="tool_calls">', "```\n"])
def test_markup_without_end_is_read_once(piece: str) -> None:
    """Each opening looked for its end to the end of the text: a message of some MB was an hour's work."""
    assert len(said_by(piece * 30_000)) > 100
