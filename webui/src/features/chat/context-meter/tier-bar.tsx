/** The conversation as a bar: what is in memory, what lies in a colder place, what must be read. */
import Box from "@mui/material/Box";
import type { SegmentView } from "@/api/types.gen";

/** From warm to cold: ever fainter, so that it can be told without colour too. */
const SHADES: Record<SegmentView["tier"], object> = {
  resident: { bgcolor: "primary.main" },
  ram: { bgcolor: "primary.main", opacity: 0.6 },
  disk: { bgcolor: "primary.main", opacity: 0.3 },
  cold: { bgcolor: "warning.main" },
};

interface Props {
  segments: readonly SegmentView[];
  /** Tokens that the model can hold; null: as many as there are. */
  numMost: number | null;
  label: string;
  nameOf: (segment: SegmentView) => string;
}

export function TierBar({ segments, numMost, label, nameOf }: Props) {
  const num = segments.reduce((sum, segment) => sum + segment.num_tokens, 0);
  const most = Math.max(numMost ?? num, num, 1);
  return (
    <Box
      role="img"
      aria-label={label}
      sx={{
        display: "flex",
        width: 84,
        height: 6,
        borderRadius: 3,
        overflow: "hidden",
        bgcolor: "divider",
        flexShrink: 0,
      }}
    >
      {segments.map((segment) => (
        <Box
          key={segment.first}
          title={nameOf(segment)}
          sx={SHADES[segment.tier]}
          style={{ width: `${(100 * segment.num_tokens) / most}%` }}
        />
      ))}
    </Box>
  );
}
