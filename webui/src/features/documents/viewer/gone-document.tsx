/** A document that was deleted, or is somebody else's: what the chat was told of it is still here. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import { PlainText } from "@/ui/plain-text";

interface Props {
  /** "": that was deleted too. */
  text: string;
}

export function GoneDocument({ text }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <Box component="p" role="status" sx={{ m: 0, mb: 2, color: "text.secondary" }}>
        {t(text ? "documents.gone" : "documents.goneAll")}
      </Box>
      {text && (
        <Box component="blockquote" sx={{ m: 0, pl: 2, borderInlineStart: 3, borderColor: "divider" }}>
          <PlainText text={text} />
        </Box>
      )}
    </>
  );
}
