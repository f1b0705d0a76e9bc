/** How the query cache behaves: what passes is tried again, what is wrong is not. */
import { notifyManager, QueryClient } from "@tanstack/react-query";
import { besideFrames } from "@/lib/frame";
import { ApiError } from "./errors";

const MOST_TRIES = 3;

export function makeQueryClient(): QueryClient {
  notifyManager.setScheduler(besideFrames); // what comes while an answer is drawn costs no drawing of its own
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: (numFailed, error) => numFailed < MOST_TRIES && error instanceof ApiError && error.isPassing,
        staleTime: 30_000, // the live line says what changed; this is for what it cannot
        refetchOnWindowFocus: false,
      },
      mutations: { retry: false },
    },
  });
}
