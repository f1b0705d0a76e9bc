/** The long texts that go with the message. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import { IconAction } from "@/ui/icon-action";
import { useFormat } from "@/ui/use-format";
import type { Attachment } from "../attachment";

interface Props {
  attachments: readonly Attachment[];
  change: (attachments: readonly Attachment[]) => void;
}

export function AttachmentChips({ attachments, change }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  if (attachments.length === 0) return null;
  return (
    <Box component="ul" sx={{ display: "flex", flexWrap: "wrap", gap: 0.75, m: 0, p: 0.75, listStyle: "none" }}>
      {attachments.map((attachment) => {
        const name = t("chat.pasted", { size: format.bytes(new Blob([attachment.text]).size) });
        return (
          <Box
            component="li"
            key={attachment.text}
            sx={{
              display: "flex",
              alignItems: "center",
              pl: 1.5,
              border: 1,
              borderColor: "divider",
              borderRadius: 99,
              fontSize: "0.85rem",
            }}
          >
            {name}
            <IconAction
              icon="close"
              iconSize={14}
              label={t("chat.removePasted", { name })}
              onClick={() => change(attachments.filter((each) => each !== attachment))}
            />
          </Box>
        );
      })}
    </Box>
  );
}
