/** The look: MUI with CSS variables, so that light and dark are one style sheet and switching renders nothing again. */
import { koKR } from "@mui/material/locale";
import { createTheme, type Theme } from "@mui/material/styles";
import type { Language } from "@/lib/i18n";
import { palettes } from "./palette";

/** What the system has; no font is loaded. The Latin ones come first, so that Hangul falls to a Korean one. */
const FONTS = [
  "Pretendard",
  "-apple-system",
  "BlinkMacSystemFont",
  '"Segoe UI"',
  "Roboto",
  '"Apple SD Gothic Neo"',
  '"Malgun Gothic"',
  '"Noto Sans KR"',
  '"Noto Sans CJK KR"',
  "sans-serif",
].join(", ");
const MONO = 'ui-monospace, "SF Mono", Menlo, Consolas, D2Coding, "Noto Sans Mono CJK KR", monospace';

export function makeTheme(language: Language): Theme {
  return createTheme(
    {
      cssVariables: { colorSchemeSelector: "data-theme", nativeColor: false },
      colorSchemes: { light: { palette: palettes.light }, dark: { palette: palettes.dark } },
      shape: { borderRadius: 10 },
      typography: {
        fontFamily: FONTS,
        fontSize: 14,
        button: { textTransform: "none", fontWeight: 600 },
        h1: { fontSize: "1.35rem", fontWeight: 650 },
        h2: { fontSize: "1.15rem", fontWeight: 650 },
        h3: { fontSize: "1rem", fontWeight: 650 },
        h6: { fontSize: "1.1rem", fontWeight: 650 }, // of dialogs
        body1: { fontSize: "0.97rem", lineHeight: 1.65 },
      },
      components: {
        MuiCssBaseline: { styleOverrides: BASE },
        MuiButton: { defaultProps: { disableElevation: true } },
        MuiButtonBase: { defaultProps: { disableRipple: true }, styleOverrides: { root: BUTTON } },
        MuiMenu: { styleOverrides: { list: FOCUSED_INSIDE } },
        MuiMenuItem: { styleOverrides: { root: FOCUSED_INSIDE } },
        MuiListItemButton: { styleOverrides: { root: FOCUSED_INSIDE } },
        MuiTab: { styleOverrides: { root: FOCUSED_INSIDE } },
        MuiDialog: { styleOverrides: { paper: DIALOG } },
        MuiTooltip: { defaultProps: { enterDelay: 500, enterNextDelay: 200 } },
        MuiPaper: { styleOverrides: { root: { backgroundImage: "none" } } },
        MuiTextField: { defaultProps: { size: "small" } },
      },
    },
    language === "ko" ? koKR : {},
  );
}

const OUTLINE = "2px solid var(--mui-palette-primary-main)";
/** The least width and height of what a finger meets: px. */
const FINGER = 40;
/** MUI takes the outline from its buttons; the ripple, which it shows instead, is off. */
const BUTTON = {
  "&:focus-visible, &:has(> input:focus-visible)": { outline: OUTLINE, outlineOffset: 2 },
  "@media (pointer: coarse)": { minWidth: FINGER, minHeight: FINGER },
} as const;
/** What fills a box that cuts off whatever stands over its edge. */
const FOCUSED_INSIDE = { "&:focus-visible": { outline: OUTLINE, outlineOffset: -2 } } as const;
/** What is long scrolls between the title and the buttons, which stay in sight: also where a form holds them, and at 200 %. */
const DIALOG = {
  "& > form": { display: "flex", flexDirection: "column", minHeight: 0 },
  "@media (max-height: 500px)": {
    margin: 8,
    maxHeight: "calc(100% - 16px)",
    "& .MuiDialogTitle-root": { padding: "8px 16px" },
    "& .MuiDialogActions-root": { padding: "4px 8px" },
  },
} as const;

const BASE = {
  // What a phone's notch and home bar leave of the window: the page reaches behind them (viewport-fit=cover).
  ":root": {
    "--bd-mono": MONO,
    "--bd-height": "calc(100dvh - env(safe-area-inset-top, 0px) - env(safe-area-inset-bottom, 0px))",
  },
  "html, body, #root": { height: "100%" },
  body: {
    padding:
      "env(safe-area-inset-top) env(safe-area-inset-right) env(safe-area-inset-bottom) env(safe-area-inset-left)",
    // Korean breaks between words, not inside them; what has no spaces at all still breaks.
    wordBreak: "keep-all",
    overflowWrap: "anywhere",
    WebkitFontSmoothing: "antialiased",
  },
  // Chinese and Japanese break between letters, and begin no line with a full stop.
  ":lang(ja), :lang(zh)": { wordBreak: "normal", lineBreak: "strict" },
  ":focus-visible": { outline: OUTLINE, outlineOffset: 2 },
  "@media (pointer: coarse)": {
    "button, summary, input:not([type=checkbox]):not([type=radio]), select, textarea": {
      minHeight: FINGER,
      boxSizing: "border-box",
    },
    "a.md-chip": { minHeight: FINGER },
  },
  "::highlight(found)": { backgroundColor: "Mark", color: "MarkText" }, // lib/marked-words.ts
  ".ellipsis": { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  ".visually-hidden": {
    position: "absolute",
    width: 1,
    height: 1,
    overflow: "hidden",
    clipPath: "inset(50%)",
    whiteSpace: "nowrap",
  },
  "@media (prefers-reduced-motion: reduce)": {
    // No short duration for transitions: it would give one to all that changes, also where none is asked for. A message
    // that comes into sight then grew to its font's size over some frames, and what was read jumped.
    "*, ::before, ::after": {
      animationDuration: "0.01ms !important",
      animationIterationCount: "1 !important", // what pulses without end would flicker
      transition: "none !important",
    },
  },
} as const;
