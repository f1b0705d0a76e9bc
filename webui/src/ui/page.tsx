/** A page that is not a chat: a heading and what is below it. */
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";

interface Props {
  title: string;
  children: ReactNode;
}

export function Page({ title, children }: Props) {
  return (
    <Box sx={{ height: "100%", overflowY: "auto" }}>
      <Box sx={{ maxWidth: 780, mx: "auto", px: { xs: 2, sm: 4 }, pt: { xs: 7, sm: 6 }, pb: 6 }}>
        <Typography variant="h1" sx={{ mb: 4 }}>
          {title}
        </Typography>
        {children}
      </Box>
    </Box>
  );
}
