/** What the model said, or is saying: the one place of the page that is drawn anew while an answer grows. */
import Box from "@mui/material/Box";
import { useEffect, useRef } from "react";
import type { PathMessageView } from "@/api/types.gen";
import { useLive } from "@/live/live-context";
import type { SaidFrame } from "@/live/protocol";
import { useLiveAnswer } from "@/live/use-live-answer";
import { CitationsOf } from "@/markdown/citations-context";
import { Markdown } from "@/markdown/markdown";
import { useDocumentMeans } from "../documents/means";
import { useCitationOf, usePathSources } from "../documents/sources";
import { AnswerActions } from "./answer-actions";
import { AnswerEndNote } from "./answer-end-note";
import { AnswerProgress } from "./answer-progress";
import { MessageEditor } from "./late-parts";
import { useEdit } from "./use-edit";

interface Props {
  message: PathMessageView;
  say: (frame: SaidFrame) => void;
}

export function AnswerView({ message, say }: Props) {
  const { generations } = useLive();
  const edit = useEdit(message, say);
  const documents = useDocumentMeans();
  const sources = usePathSources();
  const brought = sources.ofAnswer.get(message.message_id);
  const { citations } = message;
  const citationOf = useCitationOf(citations);
  const live = useLiveAnswer(generations, message.generation_id ?? "");
  const isRunning = message.status === "running";
  const text = isRunning ? (live?.text ?? "") : message.content;
  const isLive = isRunning && !live?.end;
  const isPaused = live?.progress?.type === "queue" && live.progress.is_paused;

  // Once the store has the text, the live one is let go.
  const followed = useRef<string | null>(null);
  useEffect(() => {
    if (message.generation_id) followed.current = message.generation_id;
    else if (followed.current && !isRunning) {
      generations.forget(followed.current);
      followed.current = null;
    }
  }, [generations, message.generation_id, isRunning]);

  if (edit.isEditing && !isRunning) {
    return <MessageEditor.Part text={message.content} isAnswered={false} save={edit.save} cancel={edit.cancel} />;
  }
  return (
    <Box aria-busy={isLive}>
      {text && (
        <CitationsOf value={citationOf}>
          <Markdown text={text} isLive={isLive} />
        </CitationsOf>
      )}
      {isLive && (!text || isPaused) && <AnswerProgress progress={live?.progress ?? null} model={live?.model} />}
      {!isLive && (
        <>
          <AnswerEndNote message={message} say={say} />
          {documents && brought && brought.length > 0 && (
            <documents.SourceList sources={brought} citations={citations} open={sources.open} />
          )}
          <AnswerActions message={message} say={say} edit={edit.begin} />
        </>
      )}
    </Box>
  );
}
