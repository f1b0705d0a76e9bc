/** Fields side by side, as many as have room. */
import Box from "@mui/material/Box";
import type { ElementType, ReactNode } from "react";

interface Props {
  /** The narrowest that a field may be, px. */
  min: number;
  component?: ElementType;
  /** Few fields keep their width rather than fill the line. */
  keepsWidth?: boolean;
  children: ReactNode;
}

export function Grid({ min, component = "div", keepsWidth = false, children }: Props) {
  return (
    <Box
      component={component}
      sx={{
        display: "grid",
        gap: 1.5,
        m: 0,
        gridTemplateColumns: `repeat(${keepsWidth ? "auto-fill" : "auto-fit"}, minmax(min(${min}px, 100%), 1fr))`,
      }}
    >
      {children}
    </Box>
  );
}
