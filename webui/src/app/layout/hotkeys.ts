/** The shortcuts of the chat. Those of browsers and of writing are left alone. */

export const HOTKEYS = {
  new: "mod+shift+o",
  search: "mod+k",
  sidebar: "mod+shift+s",
  help: "?",
} as const;

export type HotkeyName = keyof typeof HOTKEYS;

/** Shown in the list; obeyed where one writes. */
export const WRITING_HOTKEYS = { send: "enter", break: "shift+enter", stop: "escape" } as const;
