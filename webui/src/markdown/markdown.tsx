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
    <div className="md">
      {reasoning !== null && <ReasoningView text={reasoning} isOpen={isThinking && isLive} />}
      {blocks.map(({ key, token }, index) => (
        <BlockView key={key} token={token} isOpen={isLive && index === blocks.length - 1} />
      ))}
    </div>
  );
});
