/** One chat in the list while chats are chosen. */
import Box from "@mui/material/Box";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import type { SessionView } from "@/api/types.gen";

interface Props {
  session: SessionView;
  isChosen: boolean;
  isTabStop: boolean;
  /** `isRange`: with all since the one before. */
  toggle: (isRange: boolean) => void;
}

export function ChoiceRow({ session, isChosen, isTabStop, toggle }: Props) {
  const { t } = useTranslation();
  const withShift = useRef(false);
  return (
    <Box
      component="label"
      onMouseDown={(event) => {
        withShift.current = event.shiftKey;
      }}
      onKeyDown={(event) => {
        withShift.current = event.shiftKey;
      }}
      sx={{
        display: "flex",
        alignItems: "center",
        gap: 1,
        height: 36,
        mx: 1,
        px: 1.25,
        borderRadius: 1,
        fontSize: "0.9rem",
        cursor: "pointer",
        userSelect: "none",
        bgcolor: isChosen ? "action.selected" : "transparent",
        "&:hover": { bgcolor: "action.hover" },
        "& input": { flexShrink: 0, width: 16, height: 16, m: 0, accentColor: "var(--mui-palette-primary-main)" },
      }}
    >
      <input
        type="checkbox"
        checked={isChosen}
        tabIndex={isTabStop ? 0 : -1}
        disabled={session.role !== "owner"}
        onChange={() => toggle(withShift.current)}
      />
      <span className="ellipsis" dir="auto">
        {session.title || t("sessions.untitled")}
      </span>
    </Box>
  );
}
