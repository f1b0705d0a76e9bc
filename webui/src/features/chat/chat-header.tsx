/** The name of the chat, and who else has it open. */
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";
import { Present } from "./people/present";

interface Props {
  title: string;
  others: readonly { userId: string; name: string }[];
  menu: ReactNode;
}

export function ChatHeader({ title, others, menu }: Props) {
  return (
    <Box component="header" sx={{ display: "flex", alignItems: "center", gap: 2, minHeight: 48, pl: 7, pr: 2 }}>
      <Typography component="h1" noWrap dir="auto" sx={{ fontSize: "0.95rem", fontWeight: 600, flex: 1 }}>
        {title}
      </Typography>
      {others.length > 0 && <Present others={others} />}
      {menu}
    </Box>
  );
}
