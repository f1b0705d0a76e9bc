/** Which colour is what. */
import Box from "@mui/material/Box";
import type { ReactNode } from "react";
import { Swatch } from "./swatch";

interface Props {
  items: readonly { name: ReactNode; key: string; colour: string; value?: string }[];
}

export function Legend({ items }: Props) {
  return (
    <Box
      component="ul"
      sx={{ display: "flex", flexWrap: "wrap", columnGap: 2.5, rowGap: 0.5, m: 0, p: 0, listStyle: "none" }}
    >
      {items.map((item) => (
        <Box
          component="li"
          key={item.key}
          sx={{ display: "flex", alignItems: "center", gap: 0.75, fontSize: "0.85rem", minWidth: 0 }}
        >
          <Swatch colour={item.colour} />
          <span>{item.name}</span>
          {item.value !== undefined && <Box sx={{ color: "text.secondary" }}>{item.value}</Box>}
        </Box>
      ))}
    </Box>
  );
}
