/** Between one's chats, the archived ones, those that others share, and folders. */
import ListItemIcon from "@mui/material/ListItemIcon";
import MenuItem from "@mui/material/MenuItem";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/icon";
import { IconAction } from "@/ui/icon-action";
import { PopupMenu } from "@/ui/popup-menu";
import { type Place, SHELVES } from "./session-filter";
import { useFolders } from "./use-folders";

interface Props {
  place: Place;
  choose: (place: Place) => void;
}

export function ShelfPicker({ place, choose }: Props) {
  const { t } = useTranslation();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const folders = useFolders(anchor !== null).data ?? [];
  const shelf = place.shelf === undefined ? place.folder : t(`sessions.shelves.${place.shelf}`);
  const pick = (chosen: Place) => {
    choose(chosen);
    setAnchor(null);
  };
  return (
    <>
      <IconAction
        icon="archive"
        label={t("sessions.shelf", { shelf })}
        aria-haspopup="menu"
        color={place.shelf === "active" ? "default" : "primary"}
        onClick={(event) => setAnchor(event.currentTarget)}
      />
      <PopupMenu anchor={anchor} close={() => setAnchor(null)} slotProps={{ paper: { sx: { maxWidth: 300 } } }}>
        {SHELVES.map((each) => (
          <MenuItem key={each} dense selected={each === place.shelf} onClick={() => pick({ shelf: each })}>
            {t(`sessions.shelves.${each}`)}
          </MenuItem>
        ))}
        {folders.map(({ name, num_sessions: count }) => (
          <MenuItem
            key={`folder ${name}`}
            dense
            selected={name === place.folder}
            onClick={() => pick({ folder: name })}
          >
            <ListItemIcon>
              <Icon name="folder" size={18} />
            </ListItemIcon>
            <span className="ellipsis" dir="auto">
              {t("folders.entry", { name, count })}
            </span>
          </MenuItem>
        ))}
      </PopupMenu>
    </>
  );
}
