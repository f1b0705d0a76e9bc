/** A menu of actions with icons; what takes something away is red, after a line. */
import Box from "@mui/material/Box";
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

const LINE = { my: 1, borderTop: 1, borderColor: "divider" } as const;

export function ActionMenu({ anchor, close, actions }: Props) {
  return (
    <PopupMenu anchor={anchor} close={close}>
      {actions.flatMap(({ icon, label, act, href, isDangerous }) => [
        ...(isDangerous ? [<Box key={`before ${label}`} component="li" role="separator" sx={LINE} />] : []),
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
