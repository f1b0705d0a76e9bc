/** What a person wrote, as it stands: each paragraph runs in the direction of its own first letter. */
import Box from "@mui/material/Box";
import { languageOf } from "@/lib/language";

interface Props {
  text: string;
}

export function PlainText({ text }: Props) {
  return (
    <Box
      dir="auto"
      lang={languageOf(text)}
      sx={{ whiteSpace: "pre-wrap", lineHeight: 1.6, textAlign: "start", unicodeBidi: "plaintext" }}
    >
      {text}
    </Box>
  );
}
