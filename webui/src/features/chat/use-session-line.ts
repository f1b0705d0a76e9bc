/** The live line of one chat: what happens in it, and what is said in it. */
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useEffectEvent, useRef, useState } from "react";
import { errorOf } from "@/api/errors";
import { keys } from "@/api/keys";
import { lineOf } from "@/live/early-line";
import { useLive } from "@/live/live-context";
import type { HeardFrame, SaidFrame } from "@/live/protocol";
import type { LineState, LiveSocket } from "@/live/socket";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";
import { type PendingMessage, usePending } from "./pending";

export interface SessionLine {
  state: LineState;
  /** The thread has been read since the line is there: nothing in it is older than that. */
  isFresh: boolean;
  say: (frame: SaidFrame) => void;
  /** Others who have the chat open. */
  others: readonly { userId: string; name: string }[];
  /** Names of those who are writing. */
  typing: readonly string[];
  /** The answer that was told to stop, and has not yet. */
  stoppingId: string | null;
}

/** `readEnd`: reads the end of the thread again; whether it could. */
export function useSessionLine(sessionId: string, readEnd: () => Promise<boolean>): SessionLine {
  const { generations } = useLive();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const { show } = useNotices();
  const pending = usePending();
  const line = useRef<LiveSocket | null>(null);
  const sent = useRef(new Set<string>());
  const accepted = useRef(new Set<string>());
  const [isFresh, setFresh] = useState(false);
  const [state, setState] = useState<LineState>({ name: "connecting" });
  const [present, setPresent] = useState<{ me: string; users: Record<string, string>[] }>({ me: "", users: [] });
  const [typing, setTyping] = useState<Record<string, string>>({});
  const [stoppingId, setStoppingId] = useState<string | null>(null);

  /** What was accepted is pending until it is seen in the thread: what waits for it must not be sent before. */
  const read = async () => {
    const taken = [...accepted.current];
    if (!(await readEnd())) return;
    for (const id of taken) {
      accepted.current.delete(id);
      pending.remove(id);
    }
    setFresh(line.current?.state.name === "open");
  };
  const changeState = useEffectEvent((next: LineState) => {
    setState(next);
    if (next.name !== "open") setFresh(false);
  });
  const hear = useEffectEvent((frame: HeardFrame) => {
    if (!generations.hear(frame)) line.current?.reconnect();
    switch (frame.type) {
      case "hello":
        setPresent((before) => ({ ...before, me: frame.user_id }));
        setStoppingId(null); // the line is a new one: a stop may have gone with the one before, and can be said again
        read();
        break;
      case "accepted":
        if (frame.client_message_id) accepted.current.add(frame.client_message_id);
        read();
        break;
      case "session": // its title, or the branch that is shown
        queries.invalidateQueries({ queryKey: keys.session(sessionId), exact: true });
        read();
        break;
      case "message":
      case "resync":
      case "ai_complete":
        read();
        break;
      case "error": {
        if (frame.answers === "stop") setStoppingId(null);
        const text = textOf(errorOf(400, { error: frame.error }, retryHeaders(frame.retry_after_s)));
        if (frame.client_message_id) pending.refuse(frame.client_message_id, text);
        else show({ text });
        break;
      }
      case "presence":
        setPresent((before) => ({ ...before, users: frame.users }));
        break;
      case "typing":
        setTyping(({ [frame.user_id]: _gone, ...rest }) =>
          frame.is_typing ? { ...rest, [frame.user_id]: frame.username } : rest,
        );
        break;
    }
  });
  const hello = useEffectEvent((): SaidFrame => ({ type: "hello", last: generations.last() }));

  useEffect(() => {
    sent.current.clear();
    line.current = lineOf(sessionId, { hello: () => hello(), onFrame: (frame) => hear(frame), onState: changeState });
    return () => line.current?.close();
  }, [sessionId]);

  const waiting = pending.messages.filter(
    (message) => message.sessionId === sessionId && message.error === null && message.after === undefined,
  );
  useEffect(() => {
    for (const message of waiting) {
      if (sent.current.has(message.clientMessageId)) continue;
      sent.current.add(message.clientMessageId);
      line.current?.send(frameOf(message));
    }
    for (const message of pending.messages) if (message.error !== null) sent.current.delete(message.clientMessageId);
  });

  const say = useCallback((frame: SaidFrame) => {
    if (frame.type === "stop") setStoppingId(frame.generation_id);
    line.current?.send(frame);
  }, []);
  const others = present.users
    .filter((user) => user.user_id !== present.me)
    .map((user) => ({ userId: user.user_id ?? "", name: user.name ?? user.username ?? "" }));
  const writing = Object.entries(typing).map(
    ([userId, username]) => others.find((other) => other.userId === userId)?.name ?? username,
  );
  return { state, isFresh, say, others, typing: writing, stoppingId };
}

function frameOf(message: PendingMessage): SaidFrame {
  return {
    type: "chat_message",
    content: message.content,
    client_message_id: message.clientMessageId,
    ...(message.parentId === undefined ? {} : { parent_id: message.parentId }),
  };
}

/** As a plain answer says it. */
function retryHeaders(seconds: number | null | undefined): Headers {
  return new Headers(seconds ? { "retry-after": String(seconds) } : {});
}
