/** A page of the administration: its heading, what can be done at its top, what is below. */
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";

interface Props {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
}

export function AdminPage({ title, actions, children }: Props) {
  return (
    <Box sx={{ maxWidth: 1180, mx: "auto", px: { xs: 2, sm: 4 }, pt: { xs: 2, md: 5 }, pb: 10 }}>
      <title>{`${title} · bdchat`}</title>
      <Box className="page-head" sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1.5, mb: 3 }}>
        <Typography variant="h1" sx={{ flex: 1, minWidth: 160 }}>
          {title}
        </Typography>
        {actions}
      </Box>
      {children}
    </Box>
  );
}
