/** One block of a text. Rendered again only when its source changed: settled blocks cost nothing while the rest grows. */
import { memo } from "react";
import { blockNode } from "./block-node";
import type { AnyToken } from "./lex";

interface Props {
  token: AnyToken;
  /** It is the last of a text that grows. */
  isOpen: boolean;
}

export const BlockView = memo(
  function BlockView({ token, isOpen }: Props) {
    return blockNode(token, isOpen);
  },
  (before, after) =>
    before.isOpen === after.isOpen && before.token.type === after.token.type && before.token.raw === after.token.raw,
);
