/** A text that a model wrote, as React elements. There are no HTML strings: what the text says stays text. */
import { memo, useState } from "react";
import { BlockView } from "./block-view";
import { BlockLexer } from "./blocks";
import { splitReasoning } from "./reasoning";
import { ReasoningView } from "./reasoning-view";
import "./markdown.css";

interface Props {
  text: string;
  /** More of it is to come. */
  isLive?: boolean;
}

export const Markdown = memo(function Markdown({ text, isLive = false }: Props) {
  const [lexer] = useState(() => new BlockLexer());
  const { reasoning, isThinking, answer } = splitReasoning(text);
  const blocks = lexer.update(answer, !isLive);
  return (
    <div className={isLive ? `md md-live md-live-${caretAt(blocks.at(-1)?.token.type)}` : "md"}>
      {reasoning !== null && <ReasoningView text={reasoning} isOpen={isThinking && isLive} />}
      {blocks.map(({ key, token }, index) => (
        <BlockView key={key} token={token} isOpen={isLive && index === blocks.length - 1} />
      ))}
    </div>
  );
});

/** Where the sign stands that more is to come: behind the last letter where that can be told, else below it all. */
function caretAt(type: string | undefined): "line" | "list" | "code" | "below" {
  if (type === "paragraph" || type === "heading") return "line";
  return type === "list" || type === "code" ? type : "below";
}
