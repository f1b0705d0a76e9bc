/** Chats as people have them, for pictures: imported, so that they lie on other days too. */
import type { Visitor } from "./stage";

const DAY_S = 86_400;

const TIDES = `Two things pull at the sea: the **moon**, and, a little less than half as strongly, the **sun**.

When the two stand in line, at full and new moon, their pulls add up and the tides run high. At half moon they work against each other.

| Moon | Pull of sun and moon | Tide | Range at Incheon |
|:---|:---|:---|---:|
| New, full | in line | spring | 8.6 m |
| Half | at right angles | neap | 3.5 m |

The height over the mean is a sum of a few cosines, one for each rhythm:

\`\`\`python
def height(t: float, parts: list[Part]) -> float:
    """Metres over the mean; t in hours."""
    return sum(p.amplitude * cos(2 * pi * t / p.period + p.phase) for p in parts)
\`\`\`

The largest part, $M_2$, comes every 12.42 hours: half a lunar day.`;

const REFUND = `네, 정중하면서도 분명하게 쓰는 것이 좋습니다. 아래처럼 보내 보세요.

> 안녕하세요. 지난 11월 18일에 주문한 운동화(주문번호 **20261118-0042**)의 **환불**을 요청드립니다. 상품은 개봉만 하고 신지 않았습니다.

꼭 들어가야 할 것은 세 가지입니다.

1. **주문번호**와 주문한 날
2. 환불 사유: 단순 변심인지, 하자인지
3. 상품의 상태와 보낼 방법

**전자상거래법(제17조)**에 따라 받은 날부터 *7일 안*에는 단순 변심으로도 환불을 받을 수 있습니다.`;

const CHATS: [title: string, daysAgo: number, messages: string[]][] = [
  [
    "Why tides are higher at full moon",
    0,
    ["Why are tides higher at full moon? Show me how one computes them.", TIDES],
  ],
  ["환불 요청 메일", 0, ["운동화를 환불받고 싶은데, 판매자에게 메일을 어떻게 쓰면 좋을까요?", REFUND]],
  ["Packing list for Jeju", 1, ["What do I need for three days on Jeju in March?", "A wind jacket first of all."]],
  ["파이썬으로 CSV 합치기", 1, ["폴더 안의 CSV를 하나로 합치려면?", "`pathlib`과 `csv`로 충분합니다."]],
  ["Names for a cat", 3, ["A name for a grey cat?", "Pebble."]],
  ["회의록 요약", 4, ["이 회의록을 세 줄로 줄여 줘.", "1. 일정은 그대로입니다."]],
  ["Bread without kneading", 5, ["Can I bake bread without kneading?", "Yes: time does the work."]],
  ["SQL: newest row per group", 12, ["How do I get the newest row of each group?", "With `DISTINCT ON`, or a window."]],
  ["김치찌개 4인분", 20, ["김치찌개 4인분 재료를 알려 줘.", "묵은지 반 포기가 기본입니다."]],
];

/** Who answered, as the page names it under an answer: these are made up, and no model that is served here wrote them. */
const AUTHOR = "example (imported)";

/** In ChatGPT's own layout, which is one of those that can be imported. */
export function exported(now_s: number): object[] {
  return CHATS.map(([title, daysAgo, messages], chat) => {
    const at = now_s - daysAgo * DAY_S - chat * 60;
    const nodes = messages.map((text, n) => ({
      id: `m${chat}-${n}`,
      parent: n > 0 ? `m${chat}-${n - 1}` : null,
      children: n + 1 < messages.length ? [`m${chat}-${n + 1}`] : [],
      message: {
        id: `m${chat}-${n}`,
        author: { role: n % 2 === 0 ? "user" : "assistant" },
        create_time: at + n,
        content: { content_type: "text", parts: [text] },
        metadata: { model_slug: AUTHOR },
      },
    }));
    return {
      title,
      create_time: at,
      update_time: at + messages.length,
      mapping: Object.fromEntries(nodes.map((node) => [node.id, node])),
      current_node: nodes.at(-1)?.id,
    };
  });
}

/** The ids of the chats by their titles. */
export async function importDemo({ context, api }: Visitor, url: string): Promise<Map<string, string>> {
  const file = JSON.stringify(exported(Math.floor(Date.now() / 1000)));
  const headers = { origin: url, "content-type": "application/json" };
  const report = await context.request.post(`${url}/api/import`, { headers, data: file });
  if (!report.ok()) throw new Error(await report.text());
  const { data } = await api.call("GET /api/sessions", { query: { limit: 60 } });
  const pinned = data.find(({ title }) => title === "환불 요청 메일");
  if (pinned) {
    const path = { session_id: pinned.session_id };
    await api.call("PATCH /api/sessions/{session_id}", { path, body: { is_pinned: true } });
  }
  return new Map(data.map((item) => [item.title, item.session_id]));
}
