/** What is said outside a chat, as what must be read again. */
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef } from "react";
import { keys } from "@/api/keys";
import type { HeardFrame } from "@/live/protocol";

export function useNews(): (frame: HeardFrame) => void {
  const queries = useQueryClient();
  const wasGreeted = useRef(false);
  return useCallback(
    (frame) => {
      if (frame.type === "session") {
        queries.invalidateQueries({ queryKey: [...keys.sessions, "list"] });
        if (frame.session_id) queries.invalidateQueries({ queryKey: keys.session(frame.session_id), exact: true });
      } else if (frame.type === "resync" || (frame.type === "hello" && wasGreeted.current)) {
        queries.invalidateQueries(); // the line had broken: something may have been missed
      }
      if (frame.type === "hello") wasGreeted.current = true;
    },
    [queries],
  );
}
