/** The shelves, and the folders. */
import ListItemIcon from "@mui/material/ListItemIcon";
import MenuItem from "@mui/material/MenuItem";
import { useTranslation } from "react-i18next";
import { useFolders } from "@/api/use-folders";
import { Icon } from "@/ui/icon";
import { PopupMenu } from "@/ui/popup-menu";
import { type Place, SHELVES } from "./session-filter";

interface Props {
  place: Place;
  choose: (place: Place) => void;
  anchor: HTMLElement | null;
  close: () => void;
}

export function ShelfMenu({ place, choose, anchor, close }: Props) {
  const { t } = useTranslation();
  const folders = useFolders(anchor !== null).data ?? [];
  const pick = (chosen: Place) => {
    choose(chosen);
    close();
  };
  return (
    <PopupMenu anchor={anchor} close={close} slotProps={{ paper: { sx: { maxWidth: 300 } } }}>
      {SHELVES.map((each) => (
        <MenuItem key={each} dense selected={each === place.shelf} onClick={() => pick({ shelf: each })}>
          {t(`sessions.shelves.${each}`)}
        </MenuItem>
      ))}
      {folders.map(({ name, num_sessions: count }) => (
        <MenuItem key={`folder ${name}`} dense selected={name === place.folder} onClick={() => pick({ folder: name })}>
          <ListItemIcon>
            <Icon name="folder" size={18} />
          </ListItemIcon>
          <span className="ellipsis" dir="auto">
            {t("folders.entry", { name, count })}
          </span>
        </MenuItem>
      ))}
    </PopupMenu>
  );
}
