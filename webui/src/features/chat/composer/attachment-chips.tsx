/** The long texts that go with the message. */
import Box from "@mui/material/Box";
import Chip from "@mui/material/Chip";
import { useTranslation } from "react-i18next";
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
    <Box sx={{ display: "flex", flexWrap: "wrap", gap: 0.75, p: 0.75 }}>
      {attachments.map((attachment) => (
        <Chip
          key={attachment.text}
          size="small"
          label={t("chat.pasted", { size: format.bytes(new Blob([attachment.text]).size) })}
          onDelete={() => change(attachments.filter((each) => each !== attachment))}
        />
      ))}
    </Box>
  );
}
