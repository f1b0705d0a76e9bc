/** What can be done to a row, behind one button. */
import MenuItem from "@mui/material/MenuItem";
import { useState } from "react";
import { IconAction } from "@/ui/icon-action";
import { PopupMenu } from "@/ui/popup-menu";

export interface RowAction {
  key: string;
  label: string;
  run: () => void;
  isDisabled?: boolean;
}

interface Props {
  label: string;
  actions: readonly RowAction[];
}

export function RowMenu({ label, actions }: Props) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  return (
    <>
      <IconAction
        icon="more"
        label={label}
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onClick={(event) => setAnchor(event.currentTarget)}
      />
      <PopupMenu anchor={anchor} close={() => setAnchor(null)}>
        {actions.map((action) => (
          <MenuItem
            key={action.key}
            dense
            disabled={action.isDisabled ?? false}
            onClick={() => {
              setAnchor(null);
              action.run();
            }}
          >
            {action.label}
          </MenuItem>
        ))}
      </PopupMenu>
    </>
  );
}
