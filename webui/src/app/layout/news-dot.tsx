/** On a button behind which there are news. The button's name says so too. */
import Box from "@mui/material/Box";

export function NewsDot() {
  return (
    <Box
      aria-hidden
      sx={{
        position: "absolute",
        top: 5,
        insetInlineEnd: 5,
        width: 8,
        height: 8,
        borderRadius: "50%",
        bgcolor: "primary.main",
        pointerEvents: "none",
      }}
    />
  );
}
