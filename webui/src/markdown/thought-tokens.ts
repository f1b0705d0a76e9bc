/** Thoughts between parts of an answer, as marked's tokens. The first is told apart before: reasoning.ts. */
import type { TokenizerAndRendererExtension } from "marked";
import { THOUGHT } from "./reasoning";

export interface ThoughtToken {
  type: "thought";
  raw: string;
  text: string;
  isEnded: boolean;
}

/** On one line; or its tag on a line of its own, and all up to the closing one. */
const ONE_LINE = new RegExp(`^ {0,3}<(${THOUGHT})>([^\\n]*?)</\\1>[ \\t]*\\n*`);
const LINES = new RegExp(`^ {0,3}<(${THOUGHT})>[ \\t]*\\n([\\s\\S]*?)(</\\1>[ \\t]*\\n*|$)`);
const BEGINNING = new RegExp(`^ {0,3}<(?:${THOUGHT})>[ \\t]*\\n`, "m");

export const thoughts: TokenizerAndRendererExtension = {
  name: "thought",
  level: "block",
  start: (source) => BEGINNING.exec(source)?.index,
  tokenizer(source): ThoughtToken | undefined {
    const [raw, , text = "", end = " "] = ONE_LINE.exec(source) ?? LINES.exec(source) ?? [];
    return raw ? { type: "thought", raw, text: text.trim(), isEnded: end !== "" } : undefined;
  },
};
