/** A temporary chat: it is gone when the page is left, and the page says so. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { ChatTurn } from "@/api/stream-chat";
import { Markdown } from "@/markdown/markdown";
import { Icon } from "@/ui/icon";
import { IconAction } from "@/ui/icon-action";
import { useLeaving } from "@/ui/leaving";
import { Announcer } from "../announcer";
import { ChatHeader } from "../chat-header";
import { Composer } from "../composer/composer";
import { useNewChatModel } from "../model-choice";
import { AnswerProgress } from "../thread/answer-progress";
import { Bubble } from "../thread/bubble";
import { CopyAction } from "../thread/copy-action";
import { useStickToEnd } from "../use-stick-to-end";
import { useKeepChat } from "./use-keep-chat";
import { useTemporaryChat } from "./use-temporary-chat";

export function TemporaryPage() {
  const { t } = useTranslation();
  const { choice, chosen } = useNewChatModel();
  const { turns, isAnswering, problem, queue, say, again, stop } = useTemporaryChat(chosen);
  const { keep, isBusy } = useKeepChat(turns);
  const scroller = useRef<HTMLDivElement>(null);
  const { toEnd } = useStickToEnd(scroller, undefined);
  useWarning(turns.length > 0);
  const last = turns.at(-1);
  const isEnded = !isAnswering && last !== undefined;
  const send = async (content: string) => {
    say(content);
    toEnd();
    return "taken" as const;
  };
  const keepButton = isEnded && (
    <Button size="small" loading={isBusy} onClick={keep}>
      {t("temporary.keep")}
    </Button>
  );
  return (
    <Box sx={{ height: "100%", display: "flex", flexDirection: "column" }}>
      <ChatHeader title={t("chat.temporary")} others={[]} menu={keepButton} />
      <Box
        component="p"
        sx={{
          display: "flex",
          alignItems: "center",
          justifyContent: "center",
          gap: 1,
          m: 0,
          mx: 2,
          px: 2,
          py: 0.75,
          border: 1,
          borderStyle: "dashed",
          borderColor: "divider",
          borderRadius: 1,
          bgcolor: "background.sunken",
          fontSize: "0.88rem",
        }}
      >
        <Icon name="hidden" size={18} />
        {t("temporary.text")}
      </Box>
      <Box ref={scroller} tabIndex={0} sx={{ flex: 1, minHeight: 0, overflowY: "auto" }}>
        <Box
          role="log"
          aria-live="off"
          aria-label={t("chat.thread")}
          sx={{ maxWidth: 780, mx: "auto", px: 2, pt: 1, pb: 3 }}
        >
          {turns.map((turn, n) => (
            <Turn
              // biome-ignore lint/suspicious/noArrayIndexKey: turns are only added at the end
              key={n}
              turn={turn}
              isLive={isAnswering && turn === last}
              again={isEnded && turn === last ? again : null}
            />
          ))}
          {isAnswering && last?.role === "user" && <AnswerProgress progress={null} model={choice.model?.id} />}
          {problem && (
            <Box role="alert" sx={{ color: "error.main", fontSize: "0.88rem" }}>
              {problem}
            </Box>
          )}
        </Box>
      </Box>
      <Composer place={null} choice={choice} send={send} queue={queue} stop={isAnswering ? stop : undefined} />
      <Announcer stage={!isAnswering ? "idle" : last?.role === "user" ? "waiting" : "writing"} />
    </Box>
  );
}

interface TurnProps {
  turn: ChatTurn;
  isLive: boolean;
  /** Asks for another answer. */
  again: (() => void) | null;
}

function Turn({ turn, isLive, again }: TurnProps) {
  const { t } = useTranslation();
  const isQuestion = turn.role === "user";
  return (
    <Box component="article" aria-busy={isLive} sx={{ py: 1 }}>
      <h2 className="visually-hidden">{isQuestion ? t("chat.question") : t("chat.answer")}</h2>
      {isQuestion ? <Bubble text={turn.content} /> : <Markdown text={turn.content} isLive={isLive} />}
      {!isLive && (
        <Box sx={{ display: "flex", justifyContent: isQuestion ? "flex-end" : "flex-start" }}>
          <CopyAction text={turn.content} />
          {again && <IconAction icon="retry" iconSize={17} label={t("chat.regenerate")} onClick={again} />}
        </Box>
      )}
    </Box>
  );
}

/** It is asked before another page is shown; the browser asks before a tab with something in it is closed or loaded anew. */
function useWarning(hasSomething: boolean): void {
  const { t } = useTranslation();
  const { hold, free } = useLeaving();
  useEffect(() => {
    if (!hasSomething) return;
    hold({ title: t("temporary.leaveTitle"), text: t("temporary.leaveText"), action: t("temporary.leave") });
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => {
      free();
      window.removeEventListener("beforeunload", warn);
    };
  }, [hasSomething, hold, free, t]);
}
