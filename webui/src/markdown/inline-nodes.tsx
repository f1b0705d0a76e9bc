/** Inline tokens → React elements. */
import type { Token } from "marked";
import { Fragment, type ReactNode } from "react";
import { decodeEntities } from "./entities";
import { ImageChip } from "./image-chip";
import type { AnyToken } from "./lex";
import { safeHref } from "./links";
import { MathView } from "./math/math-view";

const LINE_BREAK = /^<br\s*\/?>$/i;

export function inlineNodes(tokens: readonly Token[] | undefined): ReactNode[] {
  return (tokens ?? []).map((token, index) => {
    const node = inlineNode(token as AnyToken);
    // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no identity but their place
    return typeof node === "string" ? node : <Fragment key={index}>{node}</Fragment>;
  });
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
