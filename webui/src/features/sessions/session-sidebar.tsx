/** The reader's chats: a new one, a search over all of them, the list. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import InputAdornment from "@mui/material/InputAdornment";
import OutlinedInput from "@mui/material/OutlinedInput";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useSettled } from "@/lib/use-settled";
import { Icon } from "@/ui/icon";
import { SearchResults } from "./search-results";
import { SessionList } from "./session-list";

const TYPING_MS = 200;

interface Props {
  footer: ReactNode;
}

export function SessionSidebar({ footer }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const words = useSettled(typed.normalize("NFC").trim(), TYPING_MS); // macOS sends Hangul in pieces
  return (
    <>
      <Box sx={{ display: "flex", flexDirection: "column", gap: 1, px: 1.5, pb: 1 }}>
        <Button component={Link} to="/" variant="outlined" startIcon={<Icon name="plus" size={18} />}>
          {t("sessions.new")}
        </Button>
        <OutlinedInput
          size="small"
          type="search"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={(event) => event.key === "Escape" && setTyped("")}
          placeholder={t("sessions.search")}
          inputProps={{ "aria-label": t("sessions.search") }}
          startAdornment={
            <InputAdornment position="start">
              <Icon name="search" size={18} />
            </InputAdornment>
          }
          sx={{ fontSize: "0.9rem" }}
        />
      </Box>
      {typed.trim() && words ? <SearchResults words={words} /> : <SessionList />}
      {footer}
    </>
  );
}
