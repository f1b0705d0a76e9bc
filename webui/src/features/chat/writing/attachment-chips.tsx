/** The texts that go with the message; each can be opened and changed. */
import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconAction } from "@/ui/icon-action";
import { useFormat } from "@/ui/use-format";
import type { Attachment } from "../attachment";

const TextDialog = lazy(() => import("./text-dialog").then((module) => ({ default: module.TextDialog })));

interface Props {
  attachments: readonly Attachment[];
  change: (attachments: readonly Attachment[]) => void;
}

export function AttachmentChips({ attachments, change }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const [openId, setOpenId] = useState<string | null>(null);
  const nameOf = ({ name, text }: Attachment) => {
    const size = format.bytes(new Blob([text]).size);
    return name === undefined ? t("chat.pasted", { size }) : `${name}, ${size}`;
  };
  const open = attachments.find((each) => each.id === openId);
  return (
    <Box component="ul" sx={{ display: "flex", flexWrap: "wrap", gap: 0.75, m: 0, p: 0.75, listStyle: "none" }}>
      {attachments.map((attachment) => {
        const name = nameOf(attachment);
        return (
          <Box
            component="li"
            key={attachment.id}
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
              onClick={() => setOpenId(attachment.id)}
              sx={{ pl: 1.5, py: 0.5, minWidth: 0, borderRadius: 99, font: "inherit" }}
            >
              <span className="ellipsis">{name}</span>
            </ButtonBase>
            <IconAction
              icon="close"
              iconSize={14}
              label={t("chat.removePasted", { name })}
              onClick={() => change(attachments.filter((each) => each !== attachment))}
            />
          </Box>
        );
      })}
      <Suspense>
        {open && (
          <TextDialog
            title={nameOf(open)}
            text={open.text}
            save={(text) => change(attachments.map((each) => (each === open ? { ...each, text } : each)))}
            close={() => setOpenId(null)}
          />
        )}
      </Suspense>
    </Box>
  );
}
