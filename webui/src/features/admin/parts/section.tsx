/** A part of a page, under a heading of its own. */
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { type ReactNode, useId } from "react";

interface Props {
  id?: string;
  title: string;
  text?: string;
  actions?: ReactNode;
  children: ReactNode;
}

export function Section({ id, title, text, actions, children }: Props) {
  const titleId = useId();
  return (
    <Box component="section" id={id} aria-labelledby={titleId} sx={{ mt: 4, ".page-head + &": { mt: 0 } }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, mb: 1.5 }}>
        <Typography id={titleId} variant="h2" sx={{ flex: 1, minWidth: 140 }}>
          {title}
        </Typography>
        {actions}
      </Box>
      {text && (
        <Typography variant="body2" color="textSecondary" sx={{ mt: -1, mb: 1.5, maxWidth: 720 }}>
          {text}
        </Typography>
      )}
      {children}
    </Box>
  );
}
