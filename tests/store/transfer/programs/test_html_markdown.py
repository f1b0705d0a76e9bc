"""HTML of Gemini's answers as Markdown."""

import pytest

from bdchat.store.transfer.programs.html_markdown import as_markdown


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>a <b>b</b> <i>c</i> &lt;d&gt;</p><p>e<br>f</p>", "a **b** *c* <d>\n\ne\nf"),
        ("<h2>T</h2><p>x</p><hr>", "## T\n\nx\n\n---"),
        (
            "<ul><li>a</li><li><p>b</p><ol><li>c</li><li>d</li></ol></li></ul><p>e</p>",
            "- a\n- b\n   1. c\n   2. d\n\ne",
        ),
        ('<p>see <a href="https://example.org">this</a> <code>x</code></p>', "see [this](https://example.org) `x`"),
        ('<pre><code class="language-py">a &lt; b\n  c</code></pre>z', "```py\na < b\n  c\n```\n\nz"),
        ("<blockquote><p>q</p></blockquote>r", "> q\n\nr"),
        (
            "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>",
            "| a | b |\n| --- | --- |\n| 1 | 2 |",
        ),
        ('<script>run()</script><img alt="cat" src="x">text', "[image: cat]text"),
        ("plain", "plain"),
        ("<p>cut <b>of", "cut **of"),
        ("한국어<p>문단</p>", "한국어\n\n문단"),
    ],
)
def test_what_answers_consist_of(html: str, expected: str) -> None:
    assert as_markdown(html) == expected


@pytest.mark.parametrize("piece", ["<![CDATA[", "<!--", "<a ", "&#", "<ul>", "<td>"])
def test_html_without_end_is_read_once(piece: str) -> None:
    """Python looked for the end of each section anew: an answer of a MB was minutes' work."""
    as_markdown(piece * 30_000)
