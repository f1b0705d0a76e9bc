/** Between one's chats, the archived ones, and those that others share. */
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { IconAction } from "@/ui/icon-action";
import { SHELVES, type Shelf } from "./session-filter";

interface Props {
  shelf: Shelf;
  choose: (shelf: Shelf) => void;
}

export function ShelfPicker({ shelf, choose }: Props) {
  const { t } = useTranslation();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const label = t("sessions.shelf", { shelf: t(`sessions.shelves.${shelf}`) });
  return (
    <>
      <IconAction
        icon="archive"
        label={label}
        aria-haspopup="menu"
        color={shelf === "active" ? "default" : "primary"}
        onClick={(event) => setAnchor(event.currentTarget)}
      />
      <Menu open={anchor !== null} anchorEl={anchor} onClose={() => setAnchor(null)}>
        {SHELVES.map((each) => (
          <MenuItem
            key={each}
            dense
            selected={each === shelf}
            onClick={() => {
              choose(each);
              setAnchor(null);
            }}
          >
            {t(`sessions.shelves.${each}`)}
          </MenuItem>
        ))}
      </Menu>
    </>
  );
}
