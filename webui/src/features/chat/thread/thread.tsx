/** The messages of a chat, the newest at the end; earlier ones are read when their reader comes near them. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import { Fragment, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { PathMessageView } from "@/api/types.gen";
import { IconAction } from "@/ui/icon-action";
import { whenIdle } from "@/ui/late-part";
import { type Memory, numForgotten } from "../context-meter/memory";
import { usePending } from "../pending";
import { useJump } from "../use-jump";
import type { SessionLine } from "../use-session-line";
import { useStickToEnd } from "../use-stick-to-end";
import { preloadParts } from "./late-parts";
import { MemoryLine } from "./memory-line";
import { MessageView } from "./message-view";
import { PendingView } from "./pending-view";

interface Props {
  sessionId: string;
  messages: readonly PathMessageView[];
  query: Pick<UseInfiniteQueryResult, "isFetching" | "hasNextPage" | "isFetchingNextPage" | "fetchNextPage">;
  line: SessionLine;
  memory: Memory | undefined;
  /** Which answers. */
  model: string | undefined;
}

export function Thread({ sessionId, messages, query, line, memory, model }: Props) {
  const { t } = useTranslation();
  const scroller = useRef<HTMLDivElement>(null);
  const top = useRef<HTMLDivElement>(null);
  const { isAtEnd, toEnd } = useStickToEnd(scroller, messages[0]?.message_id);
  const pending = usePending().messages.filter(
    (each) =>
      each.sessionId === sessionId &&
      each.after === undefined && // those that wait stand above the composer
      !messages.some((message) => message.client_message_id === each.clientMessageId),
  );
  const numPending = pending.length;
  useEffect(() => {
    if (numPending > 0) toEnd(); // who writes wants to see it
  }, [numPending, toEnd]);
  const numGone = numForgotten(messages, memory);
  useJump(sessionId, messages, query);
  useEffect(() => whenIdle(preloadParts), []);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  useEffect(() => {
    const mark = top.current;
    if (!mark || !hasNextPage) return;
    const watch = new IntersectionObserver(
      ([entry]) => entry?.isIntersecting && !isFetchingNextPage && fetchNextPage(),
      { root: scroller.current, rootMargin: "600px 0px 0px" },
    );
    watch.observe(mark);
    return () => watch.disconnect();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  return (
    <Box sx={{ position: "relative", flex: 1, minHeight: 0 }}>
      <Box ref={scroller} tabIndex={0} sx={{ height: "100%", overflowY: "auto" }}>
        <Box
          role="log"
          aria-live="off"
          aria-label={t("chat.thread")}
          sx={{ maxWidth: 780, mx: "auto", px: 2, pt: 1, pb: 3 }}
        >
          <div ref={top} />
          {hasNextPage && (
            <Button size="small" loading={isFetchingNextPage} onClick={() => fetchNextPage()}>
              {t("chat.earlier")}
            </Button>
          )}
          {messages.map((message, at) => (
            <Fragment key={message.message_id}>
              {at === numGone && <MemoryLine />}
              <MessageView message={message} say={line.say} isForgotten={numGone !== null && at < numGone} />
            </Fragment>
          ))}
          {messages.length === numGone && <MemoryLine />}
          {pending.map((message) => (
            <PendingView key={message.clientMessageId} message={message} model={model} />
          ))}
          {line.typing.length > 0 && (
            <Box sx={{ color: "text.secondary", fontSize: "0.85rem" }}>
              {t("chat.typing", { names: line.typing.join(", ") })}
            </Box>
          )}
        </Box>
      </Box>
      {!isAtEnd && (
        <Box
          sx={{
            position: "absolute",
            bottom: 8,
            insetInline: 0,
            display: "grid",
            placeItems: "center",
            pointerEvents: "none",
          }}
        >
          <Box
            sx={{
              pointerEvents: "auto",
              borderRadius: 99,
              bgcolor: "background.paper",
              border: 1,
              borderColor: "divider",
            }}
          >
            <IconAction icon="down" label={t("chat.toEnd")} onClick={toEnd} />
          </Box>
        </Box>
      )}
    </Box>
  );
}
