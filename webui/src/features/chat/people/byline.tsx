/** Over a message of a chat with several people in it: who wrote it, and when. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import type { PathMessageView } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";
import { Face } from "./face";

interface Props {
  message: PathMessageView;
  isMine: boolean;
}

export function Byline({ message, isMine }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const name = isMine ? t("people.you") : (message.author_name ?? t("people.unknown"));
  const at = message.created_at_ms;
  const isToday = format.date(at) === format.date(Date.now());
  return (
    <Box
      sx={{
        display: "flex",
        alignItems: "center",
        gap: 1,
        justifyContent: isMine ? "flex-end" : "flex-start",
        mb: 0.5,
        fontSize: "0.82rem",
        color: "text.secondary",
      }}
    >
      {!isMine && <Face name={name} />}
      <Box component="bdi" className="ellipsis" sx={{ fontWeight: 600, color: "text.primary" }}>
        {name}
      </Box>
      <time dateTime={new Date(at).toISOString()} title={format.moment(at)}>
        {isToday ? format.time(at) : format.moment(at)}
      </time>
    </Box>
  );
}
