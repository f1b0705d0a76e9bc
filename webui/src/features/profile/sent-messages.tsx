/** What one has written, in all chats, the newest first; each leads to where it stands. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import { messagePath } from "@/lib/chat-path";
import { Icon } from "@/ui/icon";
import { Loading } from "@/ui/loading";
import { QueryProblem } from "@/ui/query-problem";
import { useFormat } from "@/ui/use-format";

const PAGE_SIZE = 10;

interface Props {
  /** Opens the search over all chats. */
  search: () => void;
}

export function SentMessages({ search }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const sent = useInfiniteQuery({
    queryKey: keys.sent,
    queryFn: ({ signal, pageParam }) =>
      call("GET /api/profile/messages", {
        query: { limit: PAGE_SIZE, ...(pageParam ? { cursor: pageParam } : {}) },
        signal,
      }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });
  if (sent.isError) return <QueryProblem error={sent.error} retry={() => sent.refetch()} />;
  if (sent.isPending) return <Loading />;
  const messages = sent.data.pages.flatMap((page) => page.data);
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center", mb: 1 }}>
        <Typography variant="h2" sx={{ flex: 1 }}>
          {t("profile.sent")}
        </Typography>
        <Button size="small" variant="outlined" startIcon={<Icon name="search" size={16} />} onClick={search}>
          {t("sessions.search")}
        </Button>
      </Box>
      {messages.length === 0 && <Typography color="textSecondary">{t("profile.nothingSent")}</Typography>}
      <Box component="ul" sx={{ m: 0, p: 0, listStyle: "none" }}>
        {messages.map((message) => (
          <Box component="li" key={message.message_id} sx={ROW}>
            <Link to={messagePath(message.session_id, message.message_id)}>
              {message.session_title || t("sessions.untitled")}
            </Link>
            <span className="when">{format.moment(message.created_at_ms)}</span>
            <p>{message.content}</p>
          </Box>
        ))}
      </Box>
      {sent.hasNextPage && (
        <Button loading={sent.isFetchingNextPage} onClick={() => sent.fetchNextPage()}>
          {t("common.more")}
        </Button>
      )}
    </>
  );
}

const ROW = {
  py: 1,
  "& a": { color: "primary.main", fontWeight: 550 },
  "& .when": { color: "text.secondary", fontSize: "0.85rem", ml: 1 },
  "& p": {
    m: 0,
    mt: 0.25,
    overflow: "hidden",
    display: "-webkit-box",
    WebkitBoxOrient: "vertical",
    WebkitLineClamp: "2",
    overflowWrap: "anywhere",
  },
} as const;
