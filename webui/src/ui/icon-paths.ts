/** The page's icons: strokes on a field of 24 by 24. Drawn here, so that no set of thousands is installed. */

export const ICON_PATHS = {
  plus: "M12 5v14M5 12h14",
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM20 20l-4-4",
  menu: "M4 7h16M4 12h16M4 17h16",
  panel: "M4 5h16v14H4zM9.5 5v14",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  copy: "M9 9h10v10H9zM5 15V5h10",
  check: "M5 12.5l4.5 4.5L19 7.5",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  retry: "M19 12a7 7 0 1 1-2-5l2 2M19 4v5h-5",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  left: "M14 6l-6 6 6 6",
  right: "M10 6l6 6-6 6",
  down: "M6 9l6 6 6-6",
  pin: "M9 4h6l-1 6 3 3H7l3-3zM12 13v7",
  archive: "M4 5h16v4H4zM5.5 9v10h13V9M10 13h4",
  trash: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4",
  user: "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM5 20c1-4 4-5 7-5s6 1 7 5",
  leave: "M14 5H5v14h9M10 12h10M17 9l3 3-3 3",
  close: "M6 6l12 12M18 6L6 18",
  fork: "M7 4v16M7 12c6 0 10-2 10-8M14 7l3-3 3 3",
  forward: "M5 5l7 7-7 7M12 5l7 7-7 7",
  warning: "M12 4l9 16H3zM12 10v5M12 17.5h.01",
  shield: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6z",
} as const;

export type IconName = keyof typeof ICON_PATHS;
