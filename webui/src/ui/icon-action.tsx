/** A button that is an icon. Its name is read out, and shown by the browser when the pointer rests on it. */
import IconButton, { type IconButtonProps } from "@mui/material/IconButton";
import { Icon } from "./icon";
import type { IconName } from "./icon-paths";

interface Props extends Omit<IconButtonProps, "children" | "aria-label" | "title"> {
  icon: IconName;
  label: string;
  iconSize?: number;
}

export function IconAction({ icon, label, iconSize = 20, ...rest }: Props) {
  // MUI's Tooltip would bring Popper, which is a tenth of all that the chat may load.
  return (
    <IconButton size="small" aria-label={label} title={label} {...rest}>
      <Icon name={icon} size={iconSize} />
    </IconButton>
  );
}
