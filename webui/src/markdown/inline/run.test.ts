/** What is found in a line: each case says it with its marks spelled out, `{strong …}`. */
import type { Token, Tokens } from "marked";
import { expect, test } from "vitest";
import { lex } from "../lex";
import { emphasisPairs } from "./emphasis";

function spelled(tokens: readonly Token[]): string {
  return tokens.map((token) => spelledOne(token as Tokens.Generic)).join("");
}

function spelledOne(token: Tokens.Generic): string {
  if (token.type === "math") return `{${token.isDisplay ? "math" : "m"} ${token.tex}}`;
  if (token.type === "codespan") return `{code ${token.text}}`;
  if (token.type === "footnoteMark") return `{note ${token.label}}`;
  if (token.type === "br") return "\n";
  if (token.type === "link" && token.autolink) return `{at ${token.href}}`;
  const inner = token.tokens ? spelled(token.tokens) : token.text;
  return /^(?:strong|em|del|link)$/.test(token.type) ? `{${token.type} ${inner}}` : inner;
}

const shown = (text: string) => spelled(lex(text).tokens.filter(({ type }) => type !== "space"));

/** The same numbers each time; each is below what is asked for. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

/** Those that are shown otherwise. A case of one string is shown as it stands. */
function faults(cases: readonly (readonly [string, string?])[]): string[] {
  return cases.flatMap(([text, wanted = text]) => (shown(text) === wanted ? [] : [`${text} → ${shown(text)}`]));
}

/** What is written, and how it is spelled. */
const CONSTRUCTS: [string, string][] = [
  ["**굵게(1)**", "{strong 굵게(1)}"],
  ["*기울임%*", "{em 기울임%}"],
  ["~~지움.~~", "{del 지움.}"],
  ["`코드`", "{code 코드}"],
  ["[문서](https://example.com/문서)", "{link 문서}"],
  ["<https://example.com/a>", "{at https://example.com/a}"],
  ["https://example.com/a_b", "{at https://example.com/a_b}"],
  ["a@example.com", "{at mailto:a@example.com}"],
  ["$x_1*y$", "{m x_1*y}"],
  ["\\(x\\)", "{m x}"],
  ["[^1]", "{note 1}"],
  ["\\*", "*"],
];

test("bold, italics and struck text end before a particle, after a bracket, beside full-width marks", () => {
  const cases: [string, string?][] = [
    ["**모델(LLM)**은 좋다", "{strong 모델(LLM)}은 좋다"],
    ['**"중요"**합니다', '{strong "중요"}합니다'],
    ["**3%**입니다", "{strong 3%}입니다"],
    ["~~취소(1)~~됨", "{del 취소(1)}됨"],
    ["**`config.py`**를 고치고 **[참고]**도 본다", "{strong {code config.py}}를 고치고 {strong [참고]}도 본다"],
    ["**日本語(テスト)**です", "{strong 日本語(テスト)}です"],
    ["이것은**(강조)** 다", "이것은{strong (강조)} 다"],
    ["**굵게** 와 **더 굵게**는", "{strong 굵게} 와 {strong 더 굵게}는"],
    ["これは**「重要」**です。**重要。**これは", "これは{strong 「重要」}です。{strong 重要。}これは"],
    ["他说**“重点”**。**注意：**请看*（说明）*吧", "他说{strong “重点”}。{strong 注意：}请看{em （说明）}吧"],
    ["***굵고 기울임(2)***은", "{em {strong 굵고 기울임(2)}}은"],
    ["**굵은 *기울임*과 ~~지움(1)~~을**", "{strong 굵은 {em 기울임}과 {del 지움(1)}을}"],
    ["~~**취소**~~는 **~~둘(2)~~**은", "{del {strong 취소}}는 {strong {del 둘(2)}}은"],
    ["**[문서(1)](https://example.com/a_b)**를", "{strong {link 문서(1)}}를"],
    ["**$x^2$**는 **주의❗**는", "{strong {m x^2}}는 {strong 주의❗}는"],
    ["**ข้อความ(1)**นี้", "{strong ข้อความ(1)}นี้"],
    ["_강조_는 __굵게__는 _強調_は", "{em 강조}는 {strong 굵게}는 {em 強調}は"],
    ["~~100~~90원, **1**2", "{del 100}90원, {strong 1}2"],
    ["`**모델(LLM)**은` \\*\\*별\\*\\*은", "{code **모델(LLM)**은} **별**은"],
    // a mark inside what is no text ends nothing
    ["*가 `*`나 $a*b$나 https://example.com/*a 나*", "{em 가 {code *}나 {m a*b}나 {at https://example.com/*a} 나}"],
  ];
  expect(faults(cases)).toEqual([]);
});

test("marks that are names, arithmetic, ranges and drawn-out vowels stay", () => {
  const cases: [string][] = [
    ["변수_이름_목록 snake_case_name __init__은 user_id_는 보고서_최종_수정.pdf"],
    ["2 ** 3 ** 4 한글, 5*6*7, 2**3**4"],
    ["회의는 3~4시, 점심은 12~1시. 비용은 약 100~200원, 3~~5시나 7~~9시"],
    ["~/bin와 ~/src, 약 ~3개~4개, 네~~ 알겠습니다~~ ^^"],
    ["約3~5人、～～"],
    ["안녕 ^_^ 반가워 ^_^ -_- >_< 헤헤 >_< *^^* (*^_^*) ㅠ_ㅠ T_T"],
    ["2026. 11. 30. 회의"],
    ["#태그와 #해시"],
  ];
  expect(faults(cases)).toEqual([]);
});

test("an address ends where its own characters end", () => {
  const at = (text: string) => `{at ${text}}`;
  const cases: [string, string?][] = [
    ["https://example.com/docs를 보세요", `${at("https://example.com/docs")}를 보세요`],
    [
      "https://example.com에서 http://localhost:8000을",
      `${at("https://example.com")}에서 ${at("http://localhost:8000")}을`,
    ],
    ["주소(https://example.com/a)는", `주소(${at("https://example.com/a")})는`],
    [
      "見る https://example.com/b。次、https://example.com/c，",
      `見る ${at("https://example.com/b")}。次、${at("https://example.com/c")}，`,
    ],
    [
      "「https://example.com」と（https://example.com/c）や“https://example.com/d”と",
      `「${at("https://example.com")}」と（${at("https://example.com/c")}）や“${at("https://example.com/d")}”と`,
    ],
    [
      "\"https://example.com/q?a=1&b=2\"이고 'https://example.com'라고",
      `"${at("https://example.com/q?a=1&b=2")}"이고 '${at("https://example.com")}'라고`,
    ],
    ["(https://example.com/Foo_(bar))는", `(${at("https://example.com/Foo_(bar)")})는`],
    [
      "**https://example.com/a**를 https://example.com/b**굵게**",
      `{strong ${at("https://example.com/a")}}를 ${at("https://example.com/b")}{strong 굵게}`,
    ],
    [
      "https://example.com/a[^1]는 https://example.com/b`코드`",
      `${at("https://example.com/a")}{note 1}는 ${at("https://example.com/b")}{code 코드}`,
    ],
    [
      "https://example.com/a…그리고 https://example.com/b😀",
      `${at("https://example.com/a")}…그리고 ${at("https://example.com/b")}😀`,
    ],
    [
      "https://example.com/?라고 https://example.com/a&gt;",
      `${at("https://example.com/")}?라고 ${at("https://example.com/a")}&gt;`,
    ],
    [
      "访问https://example.com/即可，请看https://example.com/docs/查看",
      `访问${at("https://example.com/")}即可，请看${at("https://example.com/docs/")}查看`,
    ],
    [
      "https://example.com/docs/를 https://example.com/docs/を参照",
      `${at("https://example.com/docs/")}를 ${at("https://example.com/docs/")}を参照`,
    ],
    ["https://example.com/\u202egpj.exe", `${at("https://example.com/")}\u202egpj.exe`],
    [
      "a@example.com으로, 문의:b@example.co.kr로",
      `${at("mailto:a@example.com")}으로, 문의:${at("mailto:b@example.co.kr")}로`,
    ],
    ["주소：www.example.com에서, xwww.example.com", `주소：${at("http://www.example.com")}에서, xwww.example.com`],
    ["https://[::1]:8080/x를", `${at("https://[::1]:8080/x")}를`],
    [
      "https://example.com/인가요? https://example.com/이랑",
      `${at("https://example.com/")}인가요? ${at("https://example.com/")}이랑`,
    ],
    // letters that are the address's own
    ["https://example.com/검색?q=가&b=1은", `${at("https://example.com/검색?q=가&b=1")}은`],
    ["https://ko.wikipedia.org/wiki/서울_2호선 참고", `${at("https://ko.wikipedia.org/wiki/서울_2호선")} 참고`],
    [
      "https://ja.wikipedia.org/wiki/東京。https://zh.wikipedia.org/wiki/中国",
      `${at("https://ja.wikipedia.org/wiki/東京")}。${at("https://zh.wikipedia.org/wiki/中国")}`,
    ],
    [
      "https://example.com?q=한국어 https://example.com/a?q=한국어&b=1은",
      `${at("https://example.com?q=한국어")} ${at("https://example.com/a?q=한국어&b=1")}은`,
    ],
    [
      "https://ru.wikipedia.org/wiki/Москва, https://bücher.example/café",
      `${at("https://ru.wikipedia.org/wiki/Москва")}, ${at("https://bücher.example/café")}`,
    ],
    [
      "https://пример.рф/путь, https://example.comпример",
      `${at("https://пример.рф/путь")}, ${at("https://example.com")}пример`,
    ],
    [
      "https://example.comو https://example.com، https://example.com؟",
      `${at("https://example.com")}و ${at("https://example.com")}، ${at("https://example.com")}؟`,
    ],
    [
      "https://example.comครับ http://localhost:8080/です",
      `${at("https://example.com")}ครับ ${at("http://localhost:8080/")}です`,
    ],
    // said by its writer
    [
      "<https://example.com/한글>를 [문서](https://example.com/문서)는",
      `${at("https://example.com/한글")}를 {link 문서}는`,
    ],
    [
      "[https://example.com](https://example.org)은 `https://example.com`",
      "{link https://example.com}은 {code https://example.com}",
    ],
    ["https:// www. http://에서 www.가"],
  ];
  expect(faults(cases)).toEqual([]);
});

test("a dollar is money, a unit or a variable, unless it holds a formula", () => {
  const cases: [string, string?][] = [
    ["The price is $/PR for one and $/session for the other."],
    ["미국 달러(US$)와 호주 달러(A$), 월 10$/명 또는 100$/팀"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
    ['export PATH=$HOME/bin:$PATH ${A}${B} ${HOME}/x:${PATH} $(pwd)/$(date) "$@" "$*"'],
    ["$5 and $10, $1,000과 $2,000, $5~$10, $5-$10, $5/user, then 10$ more"],
    ['$5 (약 7000원)와 10$, "$"와 "$", ($),($), 가격대: $$ 또는 $$, $$-$$, $$ ~ $$$'],
    ["costs $5 or 6$, $5이상,5$이하, $5 за штуку или 10$, from $5, up to 10$"],
    ["$x=$_GET['a'], foo_$bar와 $baz_$qux, $.ajax와$.get, '$a','$b'"],
    ["echo $$ and $$, A$1:$B$2, sheet!$A:$A, $refs/$emit"],
    ["진짜 식은 $x^2$이다, 값은$y$이고", "진짜 식은 {m x^2}이다, 값은{m y}이고"],
    ["$n$번째 $100$과 \\$5, $\\$5$, ($z$)", "{m n}번째 {m 100}과 $5, {m \\$5}, ({m z})"],
    [
      "$f(x) = \\text{속도}$는 $속도$, $거리 = 속도 \\times 시간$",
      "{m f(x) = \\text{속도}}는 {m 속도}, {m 거리 = 속도 \\times 시간}",
    ],
    ["$$x^2$$이다 \\(x\\)는 \\[y^2\\]이고", "{math x^2}이다 {m x}는 {math y^2}이고"],
    ["CO$_2$는 H$_2$O, 10$^{-3}$, Na$^+$가", "CO{m _2}는 H{m _2}O, 10{m ^{-3}}, Na{m ^+}가"],
    ["「$x$」、$y$。و$z$", "「{m x}」、{m y}。و{m z}"],
    ["\\(선택\\) 그리고 \\[참고\\] \\(see the note below\\)", "(선택) 그리고 [참고] (see the note below)"],
    ["$$는 프로세스 번호이고 $$", "$$는 프로세스 번호이고 $$"],
    ["$$\nx^2\n\n+ y\n$$", "{math x^2\n\n+ y}"],
  ];
  expect(faults(cases)).toEqual([]);
});

test("every construct is found between letters, particles and full-width marks of each script", () => {
  const around = [
    "",
    "가",
    "은",
    "한국어",
    "か",
    "カー",
    "を",
    "中",
    "の、",
    "。",
    "（",
    "）",
    "「",
    "”",
    "：",
    "ไ",
    " ",
  ];
  const wrong: string[] = [];
  for (const [text, wanted] of CONSTRUCTS) {
    for (const before of around) {
      for (const after of around) {
        const whole = `${before}${text}${after}`.trim();
        const right = `${before}${wanted}${after}`.trim();
        if (shown(whole) !== right) wrong.push(`${whole} → ${shown(whole)}`);
        // and beside a neighbour of its own kind or another
        const two = `${whole} ${before}**둘(2)**${after}`.trim();
        if (shown(two) !== `${right} ${before}{strong 둘(2)}${after}`.trim()) wrong.push(`${two} → ${shown(two)}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test("constructs that follow one another are found each, and nothing of a text is lost", () => {
  const random = randomNumbers(11);
  const between = ["가", "은 ", "を", "中", "。", "（", "」", " 그리고 ", "、の", "ไ", "\n"];
  for (let round = 0; round < 500; round += 1) {
    let [text, wanted] = ["", ""];
    for (let n = 0; n < 6; n += 1) {
      const [construct, right] = CONSTRUCTS[random(CONSTRUCTS.length)] ?? ["", ""];
      const gap = between[random(between.length)] ?? "";
      text += construct + gap;
      wanted += right + gap;
    }
    expect(shown(`처음 ${text}끝`)).toBe(`처음 ${wanted}끝`);
  }
  const PIECES = [
    ..."*_~$`[]()<>\\!|#",
    "**",
    "~~",
    "$$",
    "https://a.b",
    "www.",
    "a@b.c",
    "가",
    "a1",
    " ",
    "\n",
    "。",
    "\ud83d",
  ];
  for (let round = 0; round < 800; round += 1) {
    const text = `a${Array.from({ length: 16 }, () => PIECES[random(PIECES.length)]).join("")}`;
    const [paragraph] = lex(text).tokens as Tokens.Paragraph[];
    if (paragraph?.type !== "paragraph") continue;
    expect(paragraph.tokens.map(({ raw }) => raw).join(""), text).toBe(paragraph.text);
  }
});

test("pairs of marks nest, whatever the marks are", () => {
  const random = randomNumbers(7);
  const PIECES = ["*", "**", "***", "_", "__", "~~", "~", "가", "a", "1", " ", "(", ")", "。", "\n"];
  for (let round = 0; round < 1000; round += 1) {
    const text = Array.from({ length: 14 }, () => PIECES[random(PIECES.length)]).join("");
    const pairs = emphasisPairs(text);
    for (const { start, end, numMarks } of pairs) {
      expect(text.slice(start, start + numMarks), text).toBe(text.slice(end - numMarks, end));
      expect(end - start, text).toBeGreaterThan(2 * numMarks);
      const crossing = pairs.filter((other) => other.start > start && other.start < end && other.end > end);
      expect(crossing, text).toEqual([]);
    }
  }
});
