/** One number that matters, with its name. */
import Box from "@mui/material/Box";
import { Card } from "./card";

interface Props {
  name: string;
  value: string;
  note?: string | undefined;
}

export function Stat({ name, value, note }: Props) {
  return (
    <Card>
      <Box component="dt" sx={{ color: "text.secondary", fontSize: "0.85rem" }}>
        {name}
      </Box>
      <Box component="dd" sx={{ m: 0, fontSize: "1.5rem", fontWeight: 600, fontVariantNumeric: "tabular-nums" }}>
        {value}
      </Box>
      {note && (
        <Box component="dd" sx={{ m: 0, color: "text.secondary", fontSize: "0.85rem" }}>
          {note}
        </Box>
      )}
    </Card>
  );
}
