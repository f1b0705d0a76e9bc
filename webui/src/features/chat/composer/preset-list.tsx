/** The presets that a "/" may mean, over the field that keeps the focus. */
import Box from "@mui/material/Box";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Preset } from "@/api/presets";

/** The field names it: composer.tsx. */
const PRESET_LIST = "preset-list";

interface Props {
  presets: readonly Preset[];
  active: number;
  choose: (preset: Preset) => void;
}

export function PresetList({ presets, active, choose }: Props) {
  const { t } = useTranslation();
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView?.({ block: "nearest" }); // what it returns is no clean-up
  }, [active]);
  return (
    <Box
      ref={list}
      id={PRESET_LIST}
      role="listbox"
      aria-label={t("presets.title")}
      sx={{ maxHeight: 220, overflowY: "auto", mb: 0.5, borderBottom: 1, borderColor: "divider" }}
    >
      {presets.map((preset, index) => (
        // The field has the keyboard: it moves through the list by aria-activedescendant.
        <Box
          key={preset.name}
          id={`${PRESET_LIST}-${index}`}
          role="option"
          aria-selected={index === active}
          onMouseDown={(event) => {
            event.preventDefault(); // the field keeps the focus
            choose(preset);
          }}
          sx={{
            display: "flex",
            gap: 1.5,
            px: 1.25,
            py: 0.75,
            borderRadius: 1,
            cursor: "pointer",
            fontSize: "0.9rem",
            bgcolor: index === active ? "action.selected" : "transparent",
            "&:hover": { bgcolor: "action.hover" },
          }}
        >
          <Box component="span" sx={{ fontWeight: 600, whiteSpace: "nowrap" }}>
            /{preset.name}
          </Box>
          <Box
            component="span"
            className="ellipsis"
            dir="auto"
            sx={{ color: index === active ? "text.primary" : "text.secondary" }}
          >
            {preset.text}
          </Box>
        </Box>
      ))}
    </Box>
  );
}
