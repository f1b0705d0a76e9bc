/** One chat: its thread, the field below it, and the line that keeps both alive. */
import Box from "@mui/material/Box";
import { useQuery } from "@tanstack/react-query";
import { type ComponentType, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { sessionQuery } from "@/api/chat-queries";
import { ApiError } from "@/api/errors";
import type { SessionView } from "@/api/types.gen";
import { useMyId } from "@/api/use-me";
import { useAnswerStage } from "@/live/use-answer-stage";
import { latePart } from "@/ui/late-part";
import { Loading } from "@/ui/loading";
import { Problem } from "@/ui/problem";
import { QueryProblem } from "@/ui/query-problem";
import { Advice } from "./advice/advice";
import { ChatHeader } from "./chat-header";
import { ChatMenu } from "./chat-menu";
import { Composer } from "./composer/composer";
import { useMemory } from "./context-meter/use-memory";
import { type OpenedSource, useDocumentMeans } from "./documents/means";
import { SourcesOf, useSources } from "./documents/sources";
import { useChatModel } from "./model-choice";
import { usePending } from "./pending";
import { type Reader, ReaderContext } from "./people/reader";
import { Thread } from "./thread/thread";
import { useQueue } from "./use-queue";
import { useSessionLine } from "./use-session-line";
import { useThread } from "./use-thread";

export interface ChatMenuProps {
  sessionId: string;
  title: string;
  /** Which model answers. */
  model: string | undefined;
  /** null: somebody else's chat. */
  own: SessionView | null;
  rename: () => void;
  anchor: HTMLElement | null;
  close: () => void;
}

/** Parts that come of the list of chats too. */
export interface OwnersMeans {
  Actions: ComponentType<ChatMenuProps>;
  Rename: ComponentType<{ session: SessionView; finish: () => void }>;
}

const Announcer = latePart(() => import("./announcer").then((module) => module.Announcer));
const ReadOnly = latePart(() => import("./people/read-only").then((module) => module.ReadOnly));

interface Props extends OwnersMeans {
  sessionId: string;
}

export function SessionChat({ sessionId, Actions, Rename }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const session = useQuery(sessionQuery(sessionId));
  const { query, messages, readEnd } = useThread(sessionId);
  const line = useSessionLine(sessionId, readEnd);
  const { add } = usePending();
  const running = messages.findLast((message) => message.status === "running");
  const generationId = running?.generation_id ?? null;
  const question = running && messages[messages.indexOf(running) - 1];
  const stage = useAnswerStage(running ? (generationId ?? "") : null);
  const { after, ...queue } = useQueue(sessionId, messages, line.isFresh);
  const choice = useChatModel(sessionId, messages, { isOwner: session.data?.role === "owner" });
  const title = session.data?.title || t("sessions.untitled");
  const [isRenaming, setRenaming] = useState(false);
  const Viewer = useDocumentMeans()?.Viewer;
  const path = useSources(sessionId, messages, stage);
  const [opened, open] = useState<OpenedSource | null>(null);
  const sources = useMemo(() => ({ ...path, open }), [path]);
  const userId = useMyId();
  const role = session.data?.role ?? "owner";
  const memory = useMemory(sessionId, role === "reader" ? undefined : running, question); // who sends nothing may not ask
  const isShared =
    role !== "owner" ||
    line.others.length > 0 ||
    messages.some((message) => message.role === "user" && message.author_id !== userId);
  const reader = useMemo((): Reader => ({ userId, mayWrite: role !== "reader", isShared }), [userId, role, isShared]);
  useEffect(() => {
    document.title = `${title} · bdchat`;
    return () => {
      document.title = "bdchat";
    };
  }, [title]);

  const isGone = line.state.name === "ended" && line.state.why === "gone";
  if (isGone || (session.error instanceof ApiError && session.error.status === 404)) {
    return (
      <Problem title={t("chat.gone")} action={{ label: t("sessions.new"), onClick: () => navigate("/") }}>
        {t("chat.goneText")}
      </Problem>
    );
  }
  if (query.isError) return <QueryProblem error={query.error} retry={() => query.refetch()} />;
  if (query.isPending || session.isPending) return <Loading />;

  const last = messages.at(-1);
  const asked = messages.findLast((message) => message.role === "user")?.content ?? "";
  const send = async (content: string) => {
    const place = last ? { parentId: last.message_id } : {};
    add({ sessionId, content, ...(after === undefined ? place : { after }) });
    return "taken" as const;
  };
  const own = session.data && role === "owner" ? session.data : null;
  const chat = (
    <Box sx={{ flex: 1, minWidth: 0, height: "100%", display: "flex", flexDirection: "column" }}>
      <ChatHeader
        title={title}
        others={line.others}
        field={own && isRenaming && <Rename session={own} finish={() => setRenaming(false)} />}
        menu={
          <ChatMenu>
            {(anchor, close) => (
              <Actions
                {...{ sessionId, title, own, anchor, close }}
                model={choice.model?.id}
                rename={() => setRenaming(true)}
              />
            )}
          </ChatMenu>
        }
      />
      <ReaderContext value={reader}>
        <SourcesOf value={sources}>
          <Thread
            sessionId={sessionId}
            messages={messages}
            query={query}
            line={line}
            memory={memory}
            model={choice.model?.id}
          />
        </SourcesOf>
      </ReaderContext>
      {role === "reader" ? (
        <ReadOnly.Part
          sessionId={sessionId}
          ownerName={session.data?.owner_name ?? ""}
          hasMessages={last !== undefined}
        />
      ) : (
        <>
          <Box sx={{ px: 2 }}>
            <Advice model={choice.model} question={asked} />
          </Box>
          <Composer
            place={sessionId}
            send={send}
            choice={choice}
            queue={queue}
            stop={generationId ? () => line.say({ type: "stop", generation_id: generationId }) : undefined}
            isStopping={generationId !== null && generationId === line.stoppingId}
            cost={{ sessionId, leafId: last?.message_id }}
            onTyping={line.others.length > 0 ? () => line.say({ type: "typing" }) : undefined}
          />
        </>
      )}
      <Announcer.Part stage={stage} status={last?.status} />
    </Box>
  );
  return (
    <Box sx={{ display: "flex", height: "100%" }}>
      {chat}
      {opened && Viewer && <Viewer opened={opened} close={() => open(null)} />}
    </Box>
  );
}
