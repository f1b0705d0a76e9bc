/** What the server tells its admins as it happens: downloads, models that come and go. */
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef } from "react";
import { keys } from "@/api/keys";
import type { PullList, PullView } from "@/api/types.gen";
import type { HeardFrame } from "@/live/protocol";
import { adminKeys } from "./admin-keys";

export function useAdminNews(): (frame: HeardFrame) => void {
  const queries = useQueryClient();
  const wasGreeted = useRef(false);
  return useCallback(
    (frame) => {
      if (frame.type === "resync" || (frame.type === "hello" && wasGreeted.current)) queries.invalidateQueries();
      if (frame.type === "hello") wasGreeted.current = true;
      if (frame.type !== "notification") return;
      if (frame.kind === "admin.pull") {
        const pull = frame.data as PullView;
        queries.setQueryData<PullList>(adminKeys.pulls, (list) => withPull(list, pull));
        if (pull.state !== "running") queries.invalidateQueries({ queryKey: adminKeys.models });
      } else if (frame.kind === "admin.model") {
        for (const queryKey of [adminKeys.models, adminKeys.engines, keys.models]) {
          queries.invalidateQueries({ queryKey });
        }
      }
    },
    [queries],
  );
}

/** The newest first, as the server lists them. */
export function withPull(list: PullList | undefined, pull: PullView): PullList | undefined {
  if (!list) return list; // nobody has asked yet
  const isKnown = list.data.some((each) => each.pull_id === pull.pull_id);
  if (!isKnown) return { data: [pull, ...list.data] };
  return { data: list.data.map((each) => (each.pull_id === pull.pull_id ? pull : each)) };
}
