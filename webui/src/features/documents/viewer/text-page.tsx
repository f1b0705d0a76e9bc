/** A page as its text, with what is quoted marked in it. */
import Box from "@mui/material/Box";
import { useRef } from "react";
import { languageOf } from "@/lib/language";
import { cutAt, type Span } from "./spans";
import { MARKED, useSeen } from "./use-seen";

interface Props {
  number: number;
  text: string;
  span: Span | null;
}

export function TextPage({ number, text, span }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const [before, within, after] = span ? cutAt(text, span) : [text, "", ""];
  useSeen(place, `${number} ${span?.start} ${span?.end}`);
  return (
    <Box
      ref={place}
      dir="auto"
      lang={languageOf(text)}
      sx={{
        whiteSpace: "pre-wrap",
        overflowWrap: "anywhere",
        lineHeight: 1.7,
        unicodeBidi: "plaintext",
        "& mark": {
          bgcolor: "#ffe08a", // a marker pen, by night too
          color: "#1c1a15",
          borderRadius: "3px",
          boxDecorationBreak: "clone",
          px: "2px",
        },
      }}
    >
      {before}
      {within && <mark className={MARKED}>{within}</mark>}
      {after}
    </Box>
  );
}
