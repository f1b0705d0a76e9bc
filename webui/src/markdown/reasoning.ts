/** What a model thought before it answered, told apart from the answer. Pure. */

export interface Answer {
  reasoning: string | null;
  /** It is thinking still. */
  isThinking: boolean;
  answer: string;
}

/** A regular expression's source: the names of the tags that thoughts stand in. */
export const THOUGHT = "think|thinking|thought|reasoning|seed:think";

const OPENING = new RegExp(`^\\s*(?:<(${THOUGHT})>|\\[(THINK)\\])\\n?`);
/** Of a thought between parts of the answer: thought-tokens.ts. */
const LATER_OPENING = new RegExp(`^ {0,3}<(?:${THOUGHT})>`, "m");
const MAY_CLOSE = new RegExp(`</(?:${THOUGHT})>|\\[/THINK\\]`);
const CLOSED_FENCE =
  "(?:^|\\n)[ \\t]*(?<fence>`{3,}|~{3,})[^`\\n]*\\n(?:[^\\n]*\\n)*?[ \\t]*\\k<fence>[`~]*[ \\t]*(?=\\n|$)";
const OPEN_FENCE = "(?:^|\\n)[ \\t]*(?:`{3,}|~{3,})[^`\\n]*(?:\\n|$)[\\s\\S]*";
/** Within a paragraph; a tag on a line of its own is in none. */
const SPAN = `(?<!\`)(?<ticks>\`+)(?!\`)(?:(?!\\n[ \\t]*\\n|\\n[ \\t]*</(?:${THOUGHT})>)[\\s\\S])+?(?<!\`)\\k<ticks>(?!\`)`;

/** Code is stepped over: a thought about thoughts does not end there. */
const closingTag = (code: readonly string[], tag: string) =>
  new RegExp([...code, `(?<tag></(?:${tag})>|\\[/(?:${tag})\\])`].join("|"), "g");

const LONE_CLOSING = closingTag([CLOSED_FENCE, OPEN_FENCE, SPAN], `${THOUGHT}|THINK`);
/** A fence that is open still may be the thought's own, cut off: the tag ends it. */
const CLOSING = new Map([...THOUGHT.split("|"), "THINK"].map((name) => [name, closingTag([CLOSED_FENCE, SPAN], name)]));
const ANY_CLOSING = new RegExp(`(?<!\`)(?:</(?:${THOUGHT})>|\\[/THINK\\])(?!\`)`);

/** gpt-oss's: an answer is messages in channels. */
const CHANNELS = /^\s*<\|(?:channel|start)\|>/;
const MESSAGE = /<\|channel\|>(\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>/;
const MESSAGE_END = /<\|end\|>|(?=<\|(?:start|channel)\|>)/;

function splitChannels(text: string): Answer {
  const thoughts: string[] = [];
  const said: string[] = [];
  let isThinking = false;
  let rest = text;
  for (let header = MESSAGE.exec(rest); header; header = MESSAGE.exec(rest)) {
    const begun = rest.slice(header.index + header[0].length);
    const end = MESSAGE_END.exec(begun);
    (header[1] === "analysis" ? thoughts : said).push(begun.slice(0, end?.index));
    isThinking = header[1] === "analysis" && !end;
    rest = end ? begun.slice(end.index + end[0].length) : "";
  }
  return { reasoning: joined(thoughts), isThinking, answer: joined(said) ?? "" };
}

export function splitReasoning(text: string): Answer {
  if (CHANNELS.test(text)) return splitChannels(text);
  const thoughts: string[] = [];
  let rest = text;
  for (let opening = OPENING.exec(rest); opening; opening = OPENING.exec(rest)) {
    const begun = rest.slice(opening[0].length);
    // One tick too many in a thought must not hide the answer: better an end in code than none.
    const closing = firstTag(CLOSING.get(opening[1] ?? opening[2] ?? ""), begun) ?? ANY_CLOSING.exec(begun);
    if (!closing) return { reasoning: joined([...thoughts, begun]), isThinking: true, answer: "" };
    thoughts.push(begun.slice(0, closing.index));
    rest = begun.slice(closing.index + closing[0].length);
  }
  if (thoughts.length === 0) {
    // Templates that open the tag themselves leave the model only the closing one.
    const closing = MAY_CLOSE.test(rest) ? firstTag(LONE_CLOSING, rest) : null;
    if (!closing || LATER_OPENING.test(rest.slice(0, closing.index)))
      return { reasoning: null, isThinking: false, answer: text };
    thoughts.push(rest.slice(0, closing.index));
    rest = rest.slice(closing.index + closing[0].length);
  }
  return { reasoning: joined(thoughts), isThinking: false, answer: rest.trimStart() };
}

function firstTag(pattern: RegExp | undefined, text: string): RegExpExecArray | null {
  if (!pattern) return null;
  pattern.lastIndex = 0;
  let match = pattern.exec(text);
  while (match && !match.groups?.tag) match = pattern.exec(text);
  return match;
}

function joined(thoughts: readonly string[]): string | null {
  const said = thoughts.map((thought) => thought.trim()).filter((thought) => thought !== "");
  return said.length > 0 ? said.join("\n\n") : null;
}
