/** Before the first word: where the answer waits, how far the conversation has been read; and later, that it is paused. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import type { ProgressFrame } from "@/live/protocol";
import { Meter } from "@/ui/meter";
import { useFormat } from "@/ui/use-format";
import { useSecondsLeft } from "@/ui/use-seconds-left";
import { Waiting } from "./waiting";

interface Props {
  progress: ProgressFrame | null;
  /** undefined: the server's own choice. */
  model: string | undefined;
}

export function AnswerProgress({ progress, model }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const leftS = useSecondsLeft(progress);
  const isPaused = progress?.type === "queue" && progress.is_paused;
  const time = leftS === null ? null : format.duration(leftS < 10 ? leftS * 1000 : Math.round(leftS) * 1000);
  const eta = time === null ? "" : ` · ${t(isPaused ? "chat.goesOn" : "chat.eta", { time })}`;
  return (
    <Box sx={{ maxWidth: 320, py: 0.75, color: "text.secondary", fontSize: "0.88rem" }}>
      {progress === null && <Waiting model={model} />}
      {progress?.type === "queue" && (
        <>
          {isPaused ? t("chat.paused") : t("chat.queued", { place: progress.position ?? "…" })}
          {eta}
        </>
      )}
      {progress?.type === "prefill" && (
        <>
          {t("chat.reading", {
            done: format.number(progress.done),
            total: format.number(progress.total),
            cached: format.number(progress.cached),
          })}
          {eta}
          <Box sx={{ mt: 0.75 }}>
            <Meter label={t("chat.readingName")} share={progress.total > 0 ? progress.done / progress.total : 0} />
          </Box>
        </>
      )}
    </Box>
  );
}
