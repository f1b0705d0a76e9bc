/** A menu of actions with icons; what takes something away is red, after a line. */
import Divider from "@mui/material/Divider";
import ListItemIcon from "@mui/material/ListItemIcon";
import MenuItem from "@mui/material/MenuItem";
import { Icon } from "./icon";
import type { IconName } from "./icon-paths";
import { PopupMenu } from "./popup-menu";

export interface MenuAction {
  icon: IconName;
  label: string;
  act?: () => void;
  /** Instead: a file to be downloaded. */
  href?: string;
  isDangerous?: boolean;
}

interface Props {
  anchor: HTMLElement | null;
  close: () => void;
  actions: readonly MenuAction[];
}

export function ActionMenu({ anchor, close, actions }: Props) {
  return (
    <PopupMenu anchor={anchor} close={close}>
      {actions.flatMap(({ icon, label, act, href, isDangerous }) => [
        ...(isDangerous ? [<Divider key={`before ${label}`} />] : []),
        <MenuItem
          key={label}
          dense
          {...(href === undefined ? {} : { component: "a", href, download: true })}
          onClick={() => {
            close();
            act?.();
          }}
          sx={isDangerous ? { color: "error.main", "& svg": { color: "error.main" } } : {}}
        >
          <ListItemIcon>
            <Icon name={icon} size={18} />
          </ListItemIcon>
          {label}
        </MenuItem>,
      ])}
    </PopupMenu>
  );
}
