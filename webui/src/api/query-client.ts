/** How the query cache behaves: what passes is tried again, what is wrong is not. */
import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./errors";

const MOST_TRIES = 3;

export function makeQueryClient(): QueryClient {
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
