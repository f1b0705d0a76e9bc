/** What a person wrote: as it stands, folded when it is long. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { PlainText } from "@/ui/plain-text";
import { withoutAttachments } from "../attachment";
import { AttachedText } from "./late-parts";

const LONG_CHARACTERS = 1200;
const LONG_LINES = 16;

interface Props {
  text: string;
  isFaint?: boolean;
  /** Another than the reader wrote it: its colour, in degrees of the colour circle. */
  hue?: number | undefined;
}

export function Bubble({ text: content, isFaint = false, hue }: Props) {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  const { text, attached } = useMemo(() => withoutAttachments(content), [content]);
  const isLong = text.length > LONG_CHARACTERS || text.split("\n", LONG_LINES + 1).length > LONG_LINES;
  return (
    <Box
      sx={{
        maxWidth: "85%",
        ml: hue === undefined ? "auto" : 0,
        width: "fit-content",
        px: 2,
        py: 1.25,
        borderRadius: hue === undefined ? "18px 18px 4px 18px" : "4px 18px 18px 18px",
        bgcolor:
          hue === undefined
            ? "background.sunken"
            : `color-mix(in srgb, hsl(${hue} 60% 50%) 12%, var(--mui-palette-background-paper))`,
        border: 1,
        borderColor: "divider",
        opacity: isFaint ? 0.7 : 1,
      }}
    >
      <Box sx={{ overflow: "hidden", maxHeight: isLong && !isOpen ? 240 : "none" }}>
        {text && <PlainText text={text} />}
      </Box>
      {isLong && (
        <Button size="small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)} sx={{ mt: 0.5, ml: -0.75 }}>
          {isOpen ? t("chat.fold") : t("chat.unfold")}
        </Button>
      )}
      {attached.map((each, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: what was written never changes
        <AttachedText.Part key={at} {...each} />
      ))}
    </Box>
  );
}
