/** The list of shortcuts. */
import Box from "@mui/material/Box";
import Dialog from "@mui/material/Dialog";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import { useTranslation } from "react-i18next";
import { shownHotkey } from "@/lib/hotkeys";
import { HOTKEYS, WRITING_HOTKEYS } from "./hotkeys";

interface Props {
  close: () => void;
}

export function HotkeyHelp({ close }: Props) {
  const { t } = useTranslation();
  const all = { ...HOTKEYS, ...WRITING_HOTKEYS };
  const names = Object.keys(all) as (keyof typeof all)[];
  return (
    <Dialog open onClose={close} aria-labelledby="hotkey-help">
      <DialogTitle id="hotkey-help">{t("layout.shortcuts")}</DialogTitle>
      <DialogContent>
        <Box
          component="dl"
          sx={{
            display: "grid",
            gridTemplateColumns: "1fr auto",
            gap: 1.5,
            columnGap: 6,
            m: 0,
            "& dd": { m: 0, textAlign: "end" },
          }}
        >
          {names.map((name) => (
            <Box key={name} sx={{ display: "contents" }}>
              <dt>{t(`layout.keys.${name}`)}</dt>
              <dd>
                <kbd>{shownHotkey(all[name])}</kbd>
              </dd>
            </Box>
          ))}
        </Box>
      </DialogContent>
    </Dialog>
  );
}
