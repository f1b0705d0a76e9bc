/** Every view of the page with something in it, for checks that go through all of them. */
import type { Page } from "playwright-core";
import type { Visitor } from "./stage";

export interface Place {
  name: string;
  path: string;
  /** Seen when the view is there. */
  mark: string;
  /** What its visitor does there first. */
  act?: (page: Page) => Promise<void>;
  /** Seen without an account. */
  isPublic?: boolean;
}

/** One of everything that an answer can hold. */
export const RICH_ANSWER = `## A heading

A paragraph with **bold**, *italic*, \`code\`, ~~struck~~ and a [link](https://example.org/page).

1. one
2. two
   - [x] done
   - [ ] to do

> A quotation.

| City | People | Share |
|:-----|-------:|:-----:|
| Seoul | 9,400,000 | 18 % |
| Busan | 3,300,000 | 6 % |

\`\`\`python
def greet(name: str) -> str:  # a comment
    return f"Hello, {name}" if name else "Hello"
\`\`\`

Mass and energy: $E = mc^2$, and

$$
\\int_0^1 x^2\\,dx = \\frac{1}{3}
$$

![a picture](https://example.org/picture.png)

---

The end.[^1]

[^1]: A footnote.
`;

/** What the places need to be there. The chat's id and its public link. */
export async function furnish({ api }: Visitor): Promise<{ sessionId: string; token: string }> {
  const sessionId = await api.chat("A chat with everything", [
    "Show me one of everything.",
    RICH_ANSWER,
    "그리고 한국어로도요.",
    "네, **모델(LLM)**은 한국어도 씁니다.",
  ]);
  const path = { session_id: sessionId };
  const { items } = await api.call("GET /api/sessions/{session_id}/messages", { path });
  const [question] = items;
  // A sibling, so that ‹ 1/2 › is there; the first branch is shown again.
  const body = { content: "Show me two of everything.", parent_id: null };
  await api.call("POST /api/sessions/{session_id}/messages", { path, body });
  const last = items.at(-1)?.message_id ?? question?.message_id ?? "";
  await api.call("POST /api/sessions/{session_id}/head", { path, body: { message_id: last } });
  for (const [n, title] of ["Pinned", "Yesterday's question", "세 번째 대화"].entries()) {
    const other = await api.chat(title, ["Hello?", "Hello."]);
    const changes = { is_pinned: n === 0 };
    await api.call("PATCH /api/sessions/{session_id}", { path: { session_id: other }, body: changes });
  }
  const { token } = await api.call("POST /api/sessions/{session_id}/links", { path, body: {} });
  return { sessionId, token };
}
