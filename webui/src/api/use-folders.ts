/** The folders that hold a chat. */
import { useQuery } from "@tanstack/react-query";
import { call } from "./client";
import { keys } from "./keys";

export function useFolders(isWanted: boolean) {
  return useQuery({
    queryKey: keys.folders,
    queryFn: ({ signal }) => call("GET /api/folders", { signal }),
    enabled: isWanted,
    staleTime: 0, // chats are filed elsewhere too
    select: (page) => page.data,
  });
}
