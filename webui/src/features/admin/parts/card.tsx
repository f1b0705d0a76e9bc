/** A field of its own on a page. */
import Paper from "@mui/material/Paper";
import type { ReactNode } from "react";

interface Props {
  children: ReactNode;
}

export function Card({ children }: Props) {
  return (
    <Paper variant="outlined" sx={{ p: 2, minWidth: 0 }}>
      {children}
    </Paper>
  );
}
