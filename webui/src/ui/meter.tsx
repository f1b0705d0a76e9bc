/** How far something has come. */
import Box from "@mui/material/Box";

interface Props {
  label: string;
  /** 0 to 1. */
  share: number;
}

export function Meter({ label, share }: Props) {
  return (
    <Box
      component="progress"
      aria-label={label}
      max={1}
      value={share}
      sx={{
        display: "block",
        width: "100%",
        height: 4,
        border: 0,
        borderRadius: 2,
        overflow: "hidden",
        appearance: "none",
        bgcolor: "divider",
        "&::-webkit-progress-bar": { bgcolor: "divider" },
        "&::-webkit-progress-value": { bgcolor: "primary.main", transition: "inline-size 200ms" },
        "&::-moz-progress-bar": { bgcolor: "primary.main" },
      }}
    />
  );
}
