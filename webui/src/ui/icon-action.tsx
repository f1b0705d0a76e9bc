/** A button that is an icon. Its name is read out and shown when the pointer rests on it. */
import IconButton, { type IconButtonProps } from "@mui/material/IconButton";
import Tooltip from "@mui/material/Tooltip";
import { Icon } from "./icon";
import type { IconName } from "./icon-paths";

interface Props extends Omit<IconButtonProps, "children" | "aria-label"> {
  icon: IconName;
  label: string;
  iconSize?: number;
}

export function IconAction({ icon, label, iconSize = 20, ...rest }: Props) {
  return (
    <Tooltip title={label}>
      {/* a disabled button has no events of its own; the span has them for it */}
      <span>
        <IconButton size="small" aria-label={label} {...rest}>
          <Icon name={icon} size={iconSize} />
        </IconButton>
      </span>
    </Tooltip>
  );
}
