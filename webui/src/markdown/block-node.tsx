/** Block tokens → React elements. Functions, not components: a long answer has thousands of them. */
import type { Token } from "marked";
import { Fragment, type ReactNode } from "react";
import { CodeBlock } from "./code/code-block";
import { inlineNodes } from "./inline-nodes";
import type { AnyToken } from "./lex";
import { ListView } from "./list-view";
import { MathView } from "./math/math-view";
import { TableView } from "./table-view";

const CLOSED_FENCE = /\n {0,3}(?:`{3,}|~{3,})\s*$/;

export function blockNodes(tokens: readonly Token[]): ReactNode[] {
  // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no identity but their place
  return tokens.map((token, index) => <Fragment key={index}>{blockNode(token as AnyToken, false)}</Fragment>);
}

export function blockNode(token: AnyToken, isOpen: boolean): ReactNode {
  switch (token.type) {
    case "paragraph":
      return <p>{inlineNodes(token.tokens)}</p>;
    case "text":
      return token.tokens ? inlineNodes(token.tokens) : token.text;
    case "heading": // one level: models skip some, and where a message begins no outline can know
      return <h3 className={`md-h${token.depth}`}>{inlineNodes(token.tokens)}</h3>;
    case "code":
      return (
        <CodeBlock code={token.text} language={token.lang ?? ""} isOpen={isOpen && !CLOSED_FENCE.test(token.raw)} />
      );
    case "blockquote":
      return <blockquote>{blockNodes(token.tokens)}</blockquote>;
    case "list":
      return <ListView token={token} />;
    case "table":
      return <TableView token={token} />;
    case "hr":
      return <hr />;
    case "html":
      return <p className="md-source">{token.text.trimEnd()}</p>;
    case "math":
      return <MathView tex={token.tex} isDisplay />;
    case "footnote":
      return (
        <p className="md-footnote">
          <sup>{token.label}</sup> {inlineNodes(token.tokens)}
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
