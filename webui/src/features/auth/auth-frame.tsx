/** A form in the middle of an empty page. */
import Box from "@mui/material/Box";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";
import { LanguageChoice } from "./language-choice";

interface Props {
  title: string;
  text?: string;
  children: ReactNode;
}

export function AuthFrame({ title, text, children }: Props) {
  return (
    <Box
      component="main"
      sx={{
        minHeight: "var(--bd-height)",
        display: "grid",
        placeContent: "center",
        justifyItems: "center",
        gap: 2,
        p: 2,
      }}
    >
      <Paper
        variant="outlined"
        sx={{ width: "min(400px, 100vw - 32px)", p: { xs: 3, sm: 4 }, display: "flex", flexDirection: "column" }}
      >
        <Box component="span" sx={{ fontWeight: 700, color: "primary.main", mb: 2 }}>
          bdchat
        </Box>
        <Typography variant="h1" sx={{ mb: text ? 1 : 3 }}>
          {title}
        </Typography>
        {text && (
          <Typography color="textSecondary" sx={{ mb: 3 }}>
            {text}
          </Typography>
        )}
        {children}
      </Paper>
      <LanguageChoice />
    </Box>
  );
}
