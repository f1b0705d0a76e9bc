/**
 * Block tokens → React elements. Functions, not components: a long answer has thousands of them.
 *
 * Each block of text runs in the direction of its first letter (`dir="auto"`) and is in the language of its letters.
 */
import type { Token } from "marked";
import { Fragment, type ReactNode } from "react";
import { languageOf } from "@/lib/language";
import { CodeBlock } from "./code/code-block";
import { DetailsName } from "./details-name";
import { inlineNodes } from "./inline-nodes";
import type { AnyToken } from "./lex";
import { ListView } from "./list-view";
import { MathView } from "./math/math-view";
import { ReasoningView } from "./reasoning-view";
import { TableView } from "./table-view";

const CLOSED_FENCE = /\n {0,3}(?:`{3,}|~{3,})\s*$/;

export function blockNodes(tokens: readonly Token[]): ReactNode[] {
  // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no identity but their place
  return tokens.map((token, index) => <Fragment key={index}>{blockNode(token as AnyToken, false)}</Fragment>);
}

/**
 * What is in a quote or an item of a list. Its first paragraph has no direction of its own: the browser takes that of the
 * whole from it, and passes over what has one.
 */
export function nestedNodes(tokens: readonly Token[]): ReactNode[] {
  const [first, ...rest] = tokens;
  if (first?.type !== "paragraph") return blockNodes(tokens);
  return [<p key="first">{inlineNodes((first as AnyToken & { tokens?: Token[] }).tokens)}</p>, ...blockNodes(rest)];
}

export function blockNode(token: AnyToken, isOpen: boolean): ReactNode {
  switch (token.type) {
    case "paragraph":
      return (
        <p dir="auto" lang={languageOf(token.text)}>
          {inlineNodes(token.tokens)}
        </p>
      );
    case "text":
      return token.tokens ? inlineNodes(token.tokens) : token.text;
    case "heading": // one level: models skip some, and where a message begins no outline can know
      return (
        <h3 className={`md-h${token.depth}`} dir="auto" lang={languageOf(token.text)}>
          {inlineNodes(token.tokens)}
        </h3>
      );
    case "code":
      return (
        <CodeBlock code={token.text} language={token.lang ?? ""} isOpen={isOpen && !CLOSED_FENCE.test(token.raw)} />
      );
    case "blockquote":
      return (
        <blockquote dir="auto" lang={languageOf(token.text)}>
          {nestedNodes(token.tokens)}
        </blockquote>
      );
    case "list":
      return <ListView token={token} />;
    case "table":
      return <TableView token={token} />;
    case "hr":
      return <hr />;
    case "html":
      return (
        <p className="md-source" dir="auto">
          {token.text.trimEnd()}
        </p>
      );
    case "thought":
      return <ReasoningView text={token.text} isOpen={isOpen && !token.isEnded} />;
    case "details": // open until all of it is there: nobody looks for what is still to be written behind a line
      return (
        <details className="md-details" open={!token.isEnded}>
          <summary dir="auto">{token.summary.length > 0 ? inlineNodes(token.summary) : <DetailsName />}</summary>
          {blockNodes(token.tokens)}
        </details>
      );
    case "math":
      return <MathView tex={token.tex} isDisplay />;
    case "footnote":
      return (
        <p className="md-footnote" dir="auto" lang={languageOf(token.raw)}>
          <sup dir="ltr">{token.label}</sup> {inlineNodes(token.tokens)}
        </p>
      );
    case "space":
    case "def":
    case "checkbox": // the list has shown it
      return null;
    default:
      return inlineNodes([token]);
  }
}
