/** One text that was found: it leads to the message, where the words are marked. */
import Typography from "@mui/material/Typography";
import { NavLink } from "react-router";
import type { HitView } from "@/api/types.gen";
import { messagePath } from "@/lib/chat-path";
import { useFormat } from "@/ui/use-format";
import { Highlighted } from "./highlighted";

interface Props {
  hit: HitView;
  words: readonly string[];
}

export function HitLink({ hit, words }: Props) {
  const format = useFormat();
  return (
    <NavLink to={messagePath(hit.session_id, hit.message_id)} state={{ words }}>
      <Typography variant="body2" dir="auto" sx={{ fontSize: "0.82rem", color: "text.secondary" }}>
        <Highlighted text={hit.snippet} highlights={hit.highlights} />
        <Typography component="span" variant="caption" sx={{ ml: 0.75, whiteSpace: "nowrap" }}>
          {format.date(hit.at_ms)}
        </Typography>
      </Typography>
    </NavLink>
  );
}
