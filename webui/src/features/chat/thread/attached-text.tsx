/** A text that came with a message: folded, with its name or its size. */
import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/icon";
import { PlainText } from "@/ui/plain-text";
import { useFormat } from "@/ui/use-format";
import type { Attached } from "../attachment";

export function AttachedText({ text, name }: Attached) {
  const { t } = useTranslation();
  const format = useFormat();
  const [isOpen, setOpen] = useState(false);
  const size = format.bytes(new Blob([text]).size);
  return (
    <Box sx={{ border: 1, borderColor: "divider", borderRadius: "12px", mt: 0.75, fontSize: "0.88rem" }}>
      <ButtonBase
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        sx={{ gap: 1, px: 1.5, py: 0.75, maxWidth: "100%", borderRadius: "12px", font: "inherit" }}
      >
        <Icon name={isOpen ? "down" : "right"} size={14} />
        <span className="ellipsis">{name === undefined ? t("chat.pasted", { size }) : `${name}, ${size}`}</span>
      </ButtonBase>
      {isOpen && (
        <Box tabIndex={0} sx={{ maxHeight: "50vh", overflow: "auto", px: 1.5, pb: 1 }}>
          <PlainText text={text} />
        </Box>
      )}
    </Box>
  );
}
