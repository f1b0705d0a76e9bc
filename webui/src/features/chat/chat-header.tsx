/** The name of the chat, and who else has it open. */
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";
import { latePart } from "@/ui/late-part";

const Present = latePart(() => import("./people/present").then((module) => module.Present));

interface Props {
  title: string;
  others: readonly { userId: string; name: string }[];
  /** While the chat is renamed: in the place of its name. */
  field?: ReactNode;
  menu: ReactNode;
}

export function ChatHeader({ title, others, field, menu }: Props) {
  return (
    <Box
      component="header"
      sx={{ display: "flex", alignItems: "center", gap: 2, minHeight: 48, pl: "var(--bd-corner)", pr: 2 }}
    >
      {field || (
        <Typography component="h1" noWrap dir="auto" sx={{ fontSize: "0.95rem", fontWeight: 600, flex: 1 }}>
          {title}
        </Typography>
      )}
      {others.length > 0 && <Present.Part others={others} />}
      {menu}
    </Box>
  );
}
