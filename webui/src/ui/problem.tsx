/** What went wrong and what can be done about it. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";

interface Props {
  title: string;
  children?: ReactNode;
  action?: { label: string; onClick: () => void } | undefined;
}

export function Problem({ title, children, action }: Props) {
  return (
    <Box role="alert" sx={{ maxWidth: 460, mx: "auto", my: 6, px: 3, textAlign: "center" }}>
      <Typography variant="h2" component="h1" gutterBottom>
        {title}
      </Typography>
      <Typography color="textSecondary" sx={{ mb: 3 }}>
        {children}
      </Typography>
      {action && (
        <Button variant="contained" onClick={action.onClick}>
          {action.label}
        </Button>
      )}
    </Box>
  );
}
