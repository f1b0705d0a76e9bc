/** A sentence in the composer about what is being written, above its text. */
import Box from "@mui/material/Box";
import type { ReactNode } from "react";

interface Props {
  text: string;
  isProblem?: boolean;
  /** What can be done about it. */
  children?: ReactNode;
}

export function Notice({ text, isProblem = false, children }: Props) {
  return (
    <Box
      role="status"
      sx={{
        display: "flex",
        flexWrap: "wrap",
        alignItems: "center",
        justifyContent: "space-between",
        columnGap: 1,
        px: 1.25,
        py: 0.5,
        fontSize: "0.88rem",
        color: isProblem ? "error.main" : "text.secondary",
      }}
    >
      {text}
      {children}
    </Box>
  );
}
