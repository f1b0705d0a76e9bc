/** A text that came with a message: folded, with its name or its size. */
import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import { useState } from "react";
import { Icon } from "@/ui/icon";
import { PlainText } from "@/ui/plain-text";
import type { Attached } from "../attachment";
import { useAttachedName } from "../use-attached-name";

export function AttachedText(attached: Attached) {
  const name = useAttachedName(attached);
  const [isOpen, setOpen] = useState(false);
  return (
    <Box sx={{ border: 1, borderColor: "divider", borderRadius: "12px", mt: 0.75, fontSize: "0.88rem" }}>
      <ButtonBase
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        sx={{ gap: 1, px: 1.5, py: 0.75, maxWidth: "100%", borderRadius: "12px", font: "inherit" }}
      >
        <Icon name={isOpen ? "down" : "right"} size={14} />
        <span className="ellipsis">{name}</span>
      </ButtonBase>
      {isOpen && (
        <Box tabIndex={0} sx={{ maxHeight: "50vh", overflow: "auto", px: 1.5, pb: 1 }}>
          <PlainText text={attached.text} />
        </Box>
      )}
    </Box>
  );
}
