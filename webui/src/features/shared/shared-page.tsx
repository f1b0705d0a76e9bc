/** A chat that somebody shared by link: to be read, by anybody who has the link. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { call } from "@/api/client";
import { ApiError } from "@/api/errors";
import { keys } from "@/api/keys";
import { Markdown } from "@/markdown/markdown";
import { Loading } from "@/ui/loading";
import { PlainText } from "@/ui/plain-text";
import { Problem } from "@/ui/problem";
import { QueryProblem } from "@/ui/query-problem";

const PAGE = { maxWidth: 780, mx: "auto", px: 2, pb: 5 } as const;

export function SharedPage() {
  const { t } = useTranslation();
  const { token = "" } = useParams();
  const navigate = useNavigate();
  const shared = useInfiniteQuery({
    queryKey: keys.shared(token),
    queryFn: ({ signal, pageParam }) =>
      call("GET /api/shared/{token}", { path: { token }, query: pageParam ? { before: pageParam } : {}, signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });
  if (shared.isPending) return <Loading />;
  if (shared.isError) {
    const isGone = shared.error instanceof ApiError && shared.error.status === 404;
    return (
      <Box component="main" sx={PAGE}>
        <Product />
        {isGone ? (
          <Problem title={t("shared.gone")} action={{ label: t("error.toStart"), onClick: () => navigate("/") }}>
            {t("shared.goneText")}
          </Problem>
        ) : (
          <QueryProblem error={shared.error} retry={() => shared.refetch()} />
        )}
      </Box>
    );
  }
  const { title, owner_name: owner } = shared.data.pages[0] ?? { title: "", owner_name: "" };
  const messages = shared.data.pages.toReversed().flatMap((page) => page.data);
  return (
    <Box component="main" sx={PAGE}>
      <Product />
      <Typography variant="h1" dir="auto">
        {title || t("sessions.untitled")}
      </Typography>
      <Typography color="textSecondary" sx={{ mb: 4 }}>
        {t("shared.by", { name: owner })}
      </Typography>
      {shared.hasNextPage && (
        <Button loading={shared.isFetchingNextPage} onClick={() => shared.fetchNextPage()}>
          {t("chat.earlier")}
        </Button>
      )}
      {messages.map((message) => (
        <Box component="article" key={message.message_id} sx={{ mb: 3 }}>
          <Typography component="h2" variant="caption" color="textSecondary" sx={{ fontWeight: 600 }}>
            {message.role === "user" ? (
              <bdi>{message.author_name ?? t("people.unknown")}</bdi>
            ) : (
              t(message.is_edited ? "shared.edited" : "shared.model")
            )}
          </Typography>
          {message.role === "user" ? <PlainText text={message.content} /> : <Markdown text={message.content} />}
        </Box>
      ))}
    </Box>
  );
}

/** Whose page this is, and the way there. */
function Product() {
  return (
    <Box component="header" sx={{ py: 2 }}>
      <Box component={Link} to="/" sx={{ fontWeight: 700, color: "text.primary", textDecoration: "none" }}>
        bdchat
      </Box>
    </Box>
  );
}
