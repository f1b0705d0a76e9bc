/** One bar that is divided: of what a whole consists, with names and numbers below it. */
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { useId } from "react";
import { Legend } from "./legend";
import { shareOf } from "./scale";

export interface Share {
  key: string;
  name: string;
  value: number;
  colour: string;
}

interface Props {
  title: string;
  /** Where it stands in the page's outline. */
  level?: "h2" | "h3";
  shares: readonly Share[];
  format: (share: Share, total: number) => string;
}

export function ShareBar({ title, level = "h3", shares, format }: Props) {
  const titleId = useId();
  const total = shares.reduce((sum, share) => sum + share.value, 0);
  const items = shares.map((share) => ({ ...share, value: format(share, total) }));
  return (
    <Box role="group" aria-labelledby={titleId} sx={{ minWidth: 0 }}>
      <Typography id={titleId} variant="h3" component={level} sx={{ mb: 1 }}>
        {title}
      </Typography>
      <Box
        aria-hidden
        sx={{
          display: "flex",
          gap: "2px",
          height: 14,
          mb: 1,
          borderRadius: "5px",
          overflow: "hidden",
          bgcolor: "divider",
        }}
      >
        {shares
          .filter((share) => share.value > 0)
          .map((share) => (
            <Box
              key={share.key}
              sx={{ minWidth: 2 }}
              style={{ width: `${shareOf(share.value, total) * 100}%`, backgroundColor: share.colour }}
            />
          ))}
      </Box>
      <Legend items={items} />
    </Box>
  );
}
