/** How a plain text field looks in the chat, where MUI's own (and the menus that come with it) would weigh too much. */
export const plainField = {
  width: "100%",
  minWidth: 0,
  px: 1.25,
  py: 0.75,
  border: 1,
  borderColor: "divider",
  borderRadius: 1,
  bgcolor: "background.paper",
  color: "text.primary",
  font: "inherit",
  fontSize: "0.92rem",
  "&::placeholder": { color: "text.secondary", opacity: 1 },
  "&:focus": { outline: 0, borderColor: "primary.main" },
} as const;
