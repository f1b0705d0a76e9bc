/** Inline tokens → React elements. */
import type { Token } from "marked";
import { createElement, Fragment, type ReactNode } from "react";
import { CitationChip } from "./citation-chip";
import { decodeEntities } from "./entities";
import { ImageChip } from "./image-chip";
import type { AnyToken } from "./lex";
import { safeHref } from "./links";
import { MathView } from "./math/math-view";

const LINE_BREAK = /^<br\s*\/?>$/i;
/** Tags that mean no more than how words look, without any attribute; the rest of HTML is shown as it is written. */
const TAG = /^<(\/?)(b|i|u|s|kbd|sub|sup|mark|small|ins|del)>$/i;
/** Tags in tags beyond this are text. */
const MAX_DEPTH = 16;

export function inlineNodes(tokens: readonly Token[] | undefined): ReactNode[] {
  const whole: Level = { tag: "", raw: "", nodes: [] };
  const levels = [whole];
  for (const token of tokens ?? []) {
    const { nodes } = levels.at(-1) ?? whole;
    const [raw, slash, tag] = (token.type === "html" && TAG.exec(token.raw.trim())) || [];
    if (!raw || !tag) nodes.push(keyed(inlineNode(token as AnyToken), nodes.length));
    else if (slash) close(levels, tag.toLowerCase(), raw);
    else if (levels.length > MAX_DEPTH) nodes.push(raw);
    else levels.push({ tag: tag.toLowerCase(), raw, nodes: [] });
  }
  while (levels.length > 1) spill(levels);
  return whole.nodes;
}

interface Level {
  tag: string;
  /** Its opening tag, as it is written. */
  raw: string;
  nodes: ReactNode[];
}

/** Makes an element of what was opened by the same tag; what was opened since and not closed is text. */
function close(levels: Level[], tag: string, raw: string): void {
  if (levels.some((level) => level.tag === tag)) while (levels.at(-1)?.tag !== tag) spill(levels);
  const level = levels.at(-1);
  if (level?.tag !== tag) {
    level?.nodes.push(raw);
    return;
  }
  levels.pop();
  const outer = levels.at(-1)?.nodes ?? [];
  outer.push(createElement(tag, { key: outer.length }, ...level.nodes));
}

/** The innermost tag was not closed: it is text, with what follows it. */
function spill(levels: Level[]): void {
  const level = levels.pop();
  const outer = levels.at(-1)?.nodes;
  if (level && outer) outer.push(<Fragment key={outer.length}>{[level.raw, ...level.nodes]}</Fragment>);
}

function keyed(node: ReactNode, key: number): ReactNode {
  return typeof node === "string" ? node : <Fragment key={key}>{node}</Fragment>;
}

function inlineNode(token: AnyToken): ReactNode {
  switch (token.type) {
    case "text":
      return token.tokens ? inlineNodes(token.tokens) : decodeEntities(token.text);
    case "escape":
      return token.text;
    case "strong":
      return <strong>{inlineNodes(token.tokens)}</strong>;
    case "em":
      return <em>{inlineNodes(token.tokens)}</em>;
    case "del":
      return <del>{inlineNodes(token.tokens)}</del>;
    case "codespan":
      return <code dir="ltr">{token.text}</code>;
    case "br":
      return <br />;
    case "link":
      return token.autolink
        ? link(token.href, token.text, "ltr")
        : link(decodeEntities(token.href), inlineNodes(token.tokens));
    case "image":
      return <ImageChip href={decodeEntities(token.href)} text={decodeEntities(token.text)} />;
    case "html": // shown, never obeyed; only tables have no other way to break a line
      return LINE_BREAK.test(token.raw) ? <br /> : token.raw;
    case "math":
      return <MathView tex={token.tex} isDisplay={token.isDisplay} />;
    case "citation":
      return <CitationChip token={token} />;
    case "footnoteMark":
      return <sup dir="ltr">{token.label}</sup>;
    default:
      return token.raw;
  }
}

/** `direction`: of what is an address itself; words run with the words around them. */
function link(href: string, children: ReactNode, direction?: "ltr"): ReactNode {
  const safe = safeHref(href);
  if (safe === null) return children;
  return (
    <a href={safe} title={safe} dir={direction} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}
