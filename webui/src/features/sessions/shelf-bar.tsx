/** Over the list while it shows another shelf than one's own chats: which, and the way back. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import { IconAction } from "@/ui/icon-action";
import type { Place, Shelf } from "./session-filter";

interface Props {
  shelf: Shelf;
  choose: (place: Place) => void;
}

export function ShelfBar({ shelf, choose }: Props) {
  const { t } = useTranslation();
  return (
    <Box sx={{ display: "flex", alignItems: "center", pl: 2.25, pr: 1.5, fontWeight: 600, fontSize: "0.9rem" }}>
      <Box component="h2" sx={{ flex: 1, m: 0, fontSize: "inherit" }}>
        {t(`sessions.shelves.${shelf}`)}
      </Box>
      <IconAction
        icon="close"
        autoFocus
        iconSize={17}
        label={t("folders.close")}
        onClick={() => choose({ shelf: "active" })}
      />
    </Box>
  );
}
