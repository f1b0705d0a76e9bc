/** Between one's chats, the archived ones, those that others share, and folders. */
import { useTranslation } from "react-i18next";
import { IconAction } from "@/ui/icon-action";
import { useMenuAnchor } from "@/ui/use-menu-anchor";
import { ShelfMenu } from "./late-parts";
import type { Place } from "./session-filter";

interface Props {
  place: Place;
  choose: (place: Place) => void;
}

export function ShelfPicker({ place, choose }: Props) {
  const { t } = useTranslation();
  const menu = useMenuAnchor();
  const shelf = place.shelf === undefined ? place.folder : t(`sessions.shelves.${place.shelf}`);
  return (
    <>
      <IconAction
        icon="archive"
        label={t("sessions.shelf", { shelf })}
        aria-haspopup="menu"
        color={place.shelf === "active" ? "default" : "primary"}
        onClick={menu.open}
      />
      {menu.wasOpened && <ShelfMenu.Part place={place} choose={choose} anchor={menu.anchor} close={menu.close} />}
    </>
  );
}
