/** The name of the chat, and who else has it open. */
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { NameField } from "@/ui/name-field";
import { Present } from "./people/present";

interface Props {
  title: string;
  others: readonly { userId: string; name: string }[];
  /** While the chat is renamed; null: it stays as it was. */
  finish?: ((title: string | null) => void) | undefined;
  menu: ReactNode;
}

export function ChatHeader({ title, others, finish, menu }: Props) {
  const { t } = useTranslation();
  return (
    <Box
      component="header"
      sx={{ display: "flex", alignItems: "center", gap: 2, minHeight: 48, pl: "var(--bd-corner)", pr: 2 }}
    >
      {finish ? (
        <NameField title={title} label={t("sessions.name")} finish={finish} />
      ) : (
        <Typography component="h1" noWrap dir="auto" sx={{ fontSize: "0.95rem", fontWeight: 600, flex: 1 }}>
          {title}
        </Typography>
      )}
      {others.length > 0 && <Present others={others} />}
      {menu}
    </Box>
  );
}
