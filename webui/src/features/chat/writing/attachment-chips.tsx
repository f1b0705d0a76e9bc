/** The texts that go with the message; each can be opened and changed. */
import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconAction } from "@/ui/icon-action";
import type { Attachment } from "../attachment";
import { useAttachedName } from "../use-attached-name";

const TextDialog = lazy(() => import("./text-dialog").then((module) => ({ default: module.TextDialog })));

interface Props {
  attachments: readonly Attachment[];
  change: (attachments: readonly Attachment[]) => void;
}

export function AttachmentChips({ attachments, change }: Props) {
  return (
    <Box component="ul" sx={{ display: "flex", flexWrap: "wrap", gap: 0.75, m: 0, p: 0.75, listStyle: "none" }}>
      {attachments.map((attachment) => (
        <Chip
          key={attachment.id}
          attachment={attachment}
          save={(text) => change(attachments.map((each) => (each === attachment ? { ...each, text } : each)))}
          remove={() => change(attachments.filter((each) => each !== attachment))}
        />
      ))}
    </Box>
  );
}

interface ChipProps {
  attachment: Attachment;
  save: (text: string) => void;
  remove: () => void;
}

function Chip({ attachment, save, remove }: ChipProps) {
  const { t } = useTranslation();
  const name = useAttachedName(attachment);
  const [isOpen, setOpen] = useState(false);
  return (
    <Box
      component="li"
      sx={{
        display: "flex",
        alignItems: "center",
        minWidth: 0,
        border: 1,
        borderColor: "divider",
        borderRadius: 99,
        fontSize: "0.85rem",
      }}
    >
      <ButtonBase
        aria-label={t("writing.open", { name })}
        onClick={() => setOpen(true)}
        sx={{ pl: 1.5, py: 0.5, minWidth: 0, borderRadius: 99, font: "inherit" }}
      >
        <span className="ellipsis">{name}</span>
      </ButtonBase>
      <IconAction icon="close" iconSize={14} label={t("chat.removePasted", { name })} onClick={remove} />
      <Suspense>
        {isOpen && <TextDialog title={name} text={attachment.text} save={save} close={() => setOpen(false)} />}
      </Suspense>
    </Box>
  );
}
