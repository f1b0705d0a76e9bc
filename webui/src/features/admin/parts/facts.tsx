/** Names and values, a few to the line. */
import Box from "@mui/material/Box";
import type { ReactNode } from "react";

interface Props {
  facts: readonly (readonly [string, ReactNode])[];
}

export function Facts({ facts }: Props) {
  return (
    <Box component="dl" sx={{ display: "flex", flexWrap: "wrap", columnGap: 3.5, rowGap: 1, m: 0 }}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <Box component="dt" sx={{ color: "text.secondary", fontSize: "0.8rem" }}>
            {name}
          </Box>
          <Box component="dd" sx={{ m: 0, fontSize: "0.95rem", fontVariantNumeric: "tabular-nums" }}>
            {value}
          </Box>
        </div>
      ))}
    </Box>
  );
}
