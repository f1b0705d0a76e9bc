/** A spot of a chart's colour, beside its name. */
import Box from "@mui/material/Box";

interface Props {
  colour: string;
}

export function Swatch({ colour }: Props) {
  return (
    <Box
      component="span"
      sx={{ display: "inline-block", width: 10, height: 10, borderRadius: "3px", flexShrink: 0 }}
      style={{ backgroundColor: colour }}
    />
  );
}
