/** Somebody's initials on their colour, beside a place that says the name too. */
import Box from "@mui/material/Box";
import { hueOf, initialsOf } from "./initials";

interface Props {
  name: string;
  sizePx?: number;
}

export function Face({ name, sizePx = 22 }: Props) {
  return (
    <Box
      component="span"
      aria-hidden
      title={name}
      sx={{
        display: "inline-grid",
        placeItems: "center",
        flexShrink: 0,
        width: sizePx,
        height: sizePx,
        borderRadius: "50%",
        fontSize: sizePx * 0.45,
        fontWeight: 650,
        lineHeight: 1,
        wordBreak: "normal",
        color: "#fff",
        bgcolor: `hsl(${hueOf(name)} 45% 32%)`, // dark enough under white in every hue
      }}
    >
      {initialsOf(name)}
    </Box>
  );
}
