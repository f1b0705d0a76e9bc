/** The colours of the page, light and dark: warm paper, ink, one green. Every text pair has a contrast of 4.5 or more. */

const light = {
  primary: { main: "#0b6655", contrastText: "#ffffff" },
  error: { main: "#b3261e" },
  warning: { main: "#8a5300" },
  success: { main: "#24692f" },
  info: { main: "#2457a6" },
  background: { default: "#fdfcfa", paper: "#ffffff", sunken: "#f4f2ed", code: "#f8f6f2" },
  text: { primary: "#1f1d1a", secondary: "#635e56" },
  action: { active: "#635e56" }, // icons
  divider: "#e3dfd7",
  code: { comment: "#6f695f", keyword: "#8a2f6b", string: "#24692f", number: "#8a4b00", name: "#1f5aa8" },
};

const dark: typeof light = {
  primary: { main: "#6fcdb8", contrastText: "#06231d" },
  error: { main: "#ff9a90" },
  warning: { main: "#f0b65e" },
  success: { main: "#8fd19a" },
  info: { main: "#93bdf5" },
  background: { default: "#191816", paper: "#211f1d", sunken: "#141311", code: "#1f1d1b" },
  text: { primary: "#ebe7e0", secondary: "#aaa49a" },
  action: { active: "#c4beb3" },
  divider: "#37342f",
  code: { comment: "#9b958a", keyword: "#e59fcb", string: "#9fd6a8", number: "#f0b878", name: "#9cc4f7" },
};

export const palettes = { light, dark };
