/** A chat with what was found in it: the newest matches, and on demand all the others, page by page. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { NavLink } from "react-router";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { ChatHitsView } from "@/api/types.gen";
import { messagePath } from "@/lib/chat-path";
import { useErrorText } from "@/ui/use-error-text";
import { useFormat } from "@/ui/use-format";
import { Highlighted } from "./highlighted";
import { HitLink } from "./hit-link";
import { questionOf, type SearchFilter } from "./search-filter";

const PAGE = 20;

interface Props {
  chat: ChatHitsView;
  typed: string;
  filter: SearchFilter;
  words: readonly string[];
}

export function FoundChat({ chat, typed, filter, words }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const textOf = useErrorText();
  const [isOpen, setOpen] = useState(false);
  const all = useInfiniteQuery({
    queryKey: keys.searchIn(typed, filter, chat.session_id),
    queryFn: ({ signal, pageParam }) => {
      const question = { ...questionOf(typed, filter), session_id: chat.session_id, limit: PAGE };
      return call("GET /api/search", { query: { ...question, ...(pageParam ? { cursor: pageParam } : {}) }, signal });
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    enabled: isOpen,
  });
  const read = all.data?.pages.flatMap((page) => page.data).filter((hit) => hit.kind === "message");
  const hits = read ?? chat.hits;
  const hasMore = read ? all.hasNextPage : chat.num_matches > chat.hits.length || chat.has_more;
  const showMore = () => {
    if (!isOpen) setOpen(true);
    else if (read) all.fetchNextPage();
    else all.refetch();
  };
  return (
    <Box component="li" sx={LOOK}>
      <NavLink to={messagePath(chat.session_id, null)} state={{ words }} end>
        <Box sx={{ display: "flex", gap: 1, alignItems: "baseline" }}>
          <Typography noWrap dir="auto" sx={{ flex: 1, fontSize: "0.9rem", fontWeight: 550 }}>
            {chat.title ? <Highlighted text={chat.title} highlights={chat.title_highlights} /> : t("sessions.untitled")}
          </Typography>
          {chat.num_matches > 0 && (
            <Typography variant="caption" color="textSecondary" noWrap>
              {t(chat.has_more ? "search.atLeast" : "search.matches", {
                count: chat.num_matches,
                number: format.number(chat.num_matches),
              })}
            </Typography>
          )}
        </Box>
      </NavLink>
      <Box component="ul" sx={{ m: 0, p: 0, listStyle: "none" }}>
        {hits.map((hit) => (
          <li key={hit.message_id}>
            <HitLink hit={hit} words={words} />
          </li>
        ))}
      </Box>
      {all.isError && (
        <Typography role="alert" variant="body2" color="error" sx={{ px: 1.25 }}>
          {textOf(all.error)}
        </Typography>
      )}
      {hasMore && (
        <Button size="small" loading={all.isFetching} onClick={showMore} sx={{ ml: 0.75 }}>
          {t("search.moreInChat")}
        </Button>
      )}
    </Box>
  );
}

const LOOK = {
  mx: 1,
  mb: 1,
  "& a": { display: "block", px: 1.25, py: 0.5, borderRadius: 1, color: "text.primary", textDecoration: "none" },
  "@media (pointer: coarse)": { "& a": { py: 1.25 } },
  "& a:hover": { bgcolor: "action.hover" },
  "& a.active": { bgcolor: "action.selected" },
  "& mark": { bgcolor: "transparent", color: "primary.main", fontWeight: 650 },
} as const;
