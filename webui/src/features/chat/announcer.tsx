/**
 * Tells a screen reader where an answer waits, that it begins and how it ends; its words are there to be read, not shouted
 * one by one.
 */
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { PathMessageView } from "@/api/types.gen";
import type { AnswerStage } from "@/live/use-answer-stage";

interface Props {
  stage: AnswerStage;
  /** Of the last message, once it is written. */
  status?: PathMessageView["status"] | undefined;
}

export function Announcer({ stage, status }: Props) {
  const { t } = useTranslation();
  const [said, setSaid] = useState("");
  const before = useRef(stage);
  const words = useEffectEvent((now: AnswerStage, earlier: AnswerStage): string | null => {
    if (now === "writing") return earlier === "paused" ? null : t("chat.answerBegins");
    if (now === "paused") return t("chat.paused");
    if (now.startsWith("queued ")) return t("chat.queued", { place: now.slice("queued ".length) });
    if (now === "waiting") return null;
    const isBroken = status === "stopped" || status === "interrupted" || status === "failed";
    return isBroken ? t(`chat.ended.${status}`) : t("chat.answerEnds");
  });
  useEffect(() => {
    if (before.current === stage) return;
    const now = words(stage, before.current);
    before.current = stage;
    if (now !== null) setSaid(now);
  }, [stage]);
  return (
    <div role="status" className="visually-hidden">
      {said}
    </div>
  );
}
