/** What a search found, newest first. */
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { NavLink } from "react-router";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { HitView } from "@/api/types.gen";
import { Loading } from "@/ui/loading";
import { QueryProblem } from "@/ui/query-problem";
import { Highlighted } from "./highlighted";

interface Props {
  words: string;
}

export function SearchResults({ words }: Props) {
  const { t } = useTranslation();
  const found = useQuery({
    queryKey: keys.search(words),
    queryFn: ({ signal }) => call("GET /api/search", { query: { q: words, limit: 50 }, signal }),
    placeholderData: keepPreviousData,
  });
  if (found.isError) return <QueryProblem error={found.error} retry={() => found.refetch()} />;
  if (found.isPending) return <Loading />;
  const hits = found.data.data;
  return (
    <Box sx={{ flex: 1, overflowY: "auto", minHeight: 0 }}>
      <Typography role="status" variant="caption" color="textSecondary" sx={{ display: "block", px: 2.25, py: 1 }}>
        {hits.length === 0 ? t("sessions.nothingFound", { words }) : t("sessions.found", { count: hits.length })}
      </Typography>
      <Box component="ul" sx={{ m: 0, p: 0, listStyle: "none" }}>
        {hits.map((hit) => (
          <Box
            component="li"
            key={`${hit.session_id} ${hit.message_id ?? ""}`}
            sx={{
              mx: 1,
              borderRadius: 1,
              "&:hover": { bgcolor: "action.hover" },
              "& a": { display: "block", px: 1.25, py: 1, color: "text.primary", textDecoration: "none" },
              "& mark": { bgcolor: "transparent", color: "primary.main", fontWeight: 650 },
            }}
          >
            <NavLink to={placeOf(hit)}>
              <Typography noWrap dir="auto" sx={{ fontSize: "0.9rem" }}>
                {hit.session_title || t("sessions.untitled")}
              </Typography>
              {hit.kind === "message" && (
                <Typography variant="body2" color="textSecondary" dir="auto" sx={{ fontSize: "0.82rem" }}>
                  <Highlighted text={hit.snippet} highlights={hit.highlights} />
                </Typography>
              )}
            </NavLink>
          </Box>
        ))}
      </Box>
    </Box>
  );
}

function placeOf(hit: HitView): string {
  const chat = `/chat/${hit.session_id}`;
  return hit.message_id ? `${chat}?message=${hit.message_id}` : chat;
}
