/** One's presets: made, changed and taken away here, used in a message with "/". */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Preset, usePresets, useSavePresets } from "@/api/presets";
import { IconAction } from "@/ui/icon-action";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";

const PresetDialog = lazy(() => import("./preset-dialog").then((module) => ({ default: module.PresetDialog })));

export function PresetSettings() {
  const { t } = useTranslation();
  const presets = usePresets();
  const save = useSavePresets();
  const textOf = useErrorText();
  const { show } = useNotices();
  const [edited, setEdited] = useState<Preset | "new" | null>(null);
  const write = (next: readonly Preset[], done?: () => void) =>
    save.mutate(next, { onError: (error) => show({ text: textOf(error) }), ...(done ? { onSuccess: done } : {}) });
  const remove = (preset: Preset) =>
    write(
      presets.filter((each) => each !== preset),
      () =>
        show({
          text: t("presets.deleted", { name: preset.name }),
          action: { label: t("common.undo"), onClick: () => write(presets) },
        }),
    );
  return (
    <Box component="section" aria-labelledby="presets">
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center", mb: 0.5 }}>
        <Typography id="presets" variant="h2" sx={{ flex: 1 }}>
          {t("presets.title")}
        </Typography>
        <Button size="small" variant="outlined" onClick={() => setEdited("new")}>
          {t("presets.new")}
        </Button>
      </Box>
      <Typography variant="body2" color="textSecondary">
        {t("presets.text")}
      </Typography>
      <Box component="ul" aria-labelledby="presets" sx={{ m: 0, p: 0, listStyle: "none" }}>
        {presets.map((preset) => (
          <Box component="li" key={preset.name} sx={{ display: "flex", alignItems: "center", gap: 0.5, pt: 1.25 }}>
            <Box sx={{ flex: 1, minWidth: 0 }}>
              <Typography noWrap>
                /<bdi>{preset.name}</bdi>
              </Typography>
              <Typography noWrap dir="auto" variant="body2" color="textSecondary">
                {preset.text}
              </Typography>
            </Box>
            <IconAction
              icon="edit"
              iconSize={18}
              label={t("presets.edit", { name: preset.name })}
              onClick={() => setEdited(preset)}
            />
            <IconAction
              icon="trash"
              iconSize={18}
              label={t("presets.delete", { name: preset.name })}
              onClick={() => remove(preset)}
            />
          </Box>
        ))}
      </Box>
      <Suspense>
        {edited && <PresetDialog preset={edited === "new" ? null : edited} close={() => setEdited(null)} />}
      </Suspense>
    </Box>
  );
}
