/** The state of an engine: a word, and a spot of colour beside it. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import { Swatch } from "@/ui/charts/swatch";

const COLOURS = {
  ready: "var(--mui-palette-success-main)",
  loading: "var(--mui-palette-info-main)",
  restarting: "var(--mui-palette-warning-main)",
  leaving: "var(--mui-palette-warning-main)",
  failed: "var(--mui-palette-error-main)",
  idle: "var(--mui-palette-text-secondary)",
  closed: "var(--mui-palette-text-secondary)",
} as const;

type Known = keyof typeof COLOURS;

interface Props {
  state: string;
}

export function EngineState({ state }: Props) {
  const { t } = useTranslation();
  const known = state in COLOURS ? (state as Known) : null;
  return (
    <Box component="span" sx={{ display: "inline-flex", alignItems: "center", gap: 0.75 }}>
      <Swatch colour={COLOURS[known ?? "idle"]} />
      {known ? t(`admin.states.${known}`) : state}
    </Box>
  );
}
