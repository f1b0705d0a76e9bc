/** Texts as people and models write them, for what a browser alone can tell: directions, lines, where a link leads. */

export const TILDES =
  "회의는 3~4시, 점심은 12~1시입니다. 비용은 약 100~200원.\n\n~~취소~~ 됨\n\n| 시간 |\n|---|\n| 3~4, 5~6 |";

export const DOLLARS = [
  "The price is $/PR for one and $/session for the other.",
  "미국 달러(US$)와 호주 달러(A$)",
  "월 10$/명 또는 100$/팀",
  "export PATH=$HOME/bin:$PATH",
  "진짜 식은 $x^2$이다",
].join("\n\n");

export const ADDRESSES = [
  "자세한 것은 https://example.com/docs를 보세요. 또는 https://example.com에서 찾으세요.",
  "주소(https://example.com/a)는 여기.",
  "見る https://example.com/b。次",
  "전각 https://example.com/c（설명）",
].join("\n\n");

export const THOUGHT = "They ask for 17 × 23. That is 391.</think>391";

/** Question and answer: paragraphs that run this way and that, and code that always runs from left to right. */
export const ARABIC = [
  "مرحبا، كيف حالك؟ هذا نص عربي مع كلمة API في الوسط.",
  "- عنصر أول.\n- an item (English).",
  "English again.",
  "نص مع `x = 1` في الوسط.",
  "| الاسم | القيمة |\n|---|---|\n| واحد | 1 |",
  "```py\nprint('مرحبا')\n```",
].join("\n\n");

export const CHINESE =
  "今天天气很好，我们去公园散步吧。那里有很多花，非常漂亮，而且空气也很新鲜，所以大家都喜欢去那里玩。".repeat(3);
export const JAPANESE = "東京は日本の首都であり、人口が最も多い都市です。「ここから始まる」と言われています。".repeat(
  3,
);
export const KOREAN = "한국어 문단은 낱말 사이에서 줄이 바뀌고 낱말 안에서는 바뀌지 않아야 읽기 좋습니다. "
  .repeat(4)
  .trim();
export const LONG_FORMULA = `A formula $\\frac{${Array.from({ length: 20 }, (_, n) => `a_{${n}}`).join("+")}}{b}$ and words`;
export const LONG_WORD = "아주긴낱말".repeat(40);
