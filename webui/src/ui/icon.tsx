/** An icon beside a text or in a button that has a name of its own: to screen readers it is nothing. */
import { ICON_PATHS, type IconName } from "./icon-paths";

interface Props {
  name: IconName;
  size?: number;
}

export function Icon({ name, size = 20 }: Props) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.7}
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={ICON_PATHS[name]} />
    </svg>
  );
}
