/** What a search found, gathered by chat: the chats that are called so first, then those with the newest matches. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import { Loading } from "@/ui/loading";
import { QueryProblem } from "@/ui/query-problem";
import { FoundChat } from "./found-chat";
import { isNarrowed, NO_FILTER, questionOf } from "./search-filter";
import { SearchFilters } from "./search-filters";

const PAGE = 10;

interface Props {
  typed: string;
}

export function SearchResults({ typed }: Props) {
  const { t } = useTranslation();
  const [filter, setFilter] = useState(NO_FILTER);
  const [isFiltering, setFiltering] = useState(false);
  const found = useInfiniteQuery({
    queryKey: keys.search(typed, filter),
    queryFn: ({ signal, pageParam }) => {
      const question = { ...questionOf(typed, filter), limit: PAGE };
      const cursor = pageParam ? { cursor: pageParam } : {};
      return call("GET /api/search/chats", { query: { ...question, ...cursor }, signal });
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  });
  const chats = found.data?.pages.flatMap((page) => page.data) ?? [];
  const words = found.data?.pages[0]?.words ?? [];
  const count = chats.length;
  const foundText = found.hasNextPage
    ? t("search.foundMore", { count })
    : count > 0
      ? t("search.found", { count })
      : t(isNarrowed(filter) ? "search.nothingNarrowed" : "search.nothing", { words: typed });
  return (
    <Box sx={{ flex: 1, overflowY: "auto", minHeight: 0 }}>
      <Box sx={{ display: "flex", alignItems: "center", gap: 1, pl: 2.25, pr: 1, py: 0.5 }}>
        <Typography role="status" variant="caption" color="textSecondary" sx={{ flex: 1 }}>
          {found.data && foundText}
        </Typography>
        <Button size="small" aria-expanded={isFiltering} onClick={() => setFiltering(!isFiltering)}>
          {t("search.filter")}
        </Button>
      </Box>
      {isFiltering && <SearchFilters filter={filter} change={setFilter} />}
      {found.isError ? (
        <QueryProblem error={found.error} retry={() => found.refetch()} />
      ) : found.isPending ? (
        <Loading />
      ) : (
        <Box component="ul" aria-label={t("search.results")} sx={{ m: 0, p: 0, listStyle: "none" }}>
          {chats.map((chat) => (
            <FoundChat key={`${typed} ${chat.session_id}`} chat={chat} typed={typed} filter={filter} words={words} />
          ))}
        </Box>
      )}
      {found.hasNextPage && (
        <Button loading={found.isFetchingNextPage} onClick={() => found.fetchNextPage()} sx={{ mx: 1.5, mb: 1 }}>
          {t("search.moreChats")}
        </Button>
      )}
    </Box>
  );
}
