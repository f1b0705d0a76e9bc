/** Notices of the browser itself, for who has the page out of sight. Only after they were asked for (settings). */

export type NoticePermission = NotificationPermission | "unsupported";

/** "unsupported": the browser has none, or not over plain http. */
export function noticePermission(): NoticePermission {
  return "Notification" in window ? Notification.permission : "unsupported";
}

export async function askForNotices(): Promise<NoticePermission> {
  return "Notification" in window ? Notification.requestPermission() : "unsupported";
}

/** Nothing happens while the page is in sight. `tag`: a later one with the same takes its place. */
export function showBrowserNotice(text: string, tag: string, onClick: () => void): void {
  if (noticePermission() !== "granted" || document.visibilityState === "visible") return;
  try {
    const notice = new Notification("bdchat", { body: text, tag });
    notice.onclick = () => {
      window.focus();
      notice.close();
      onClick();
    };
  } catch {
    // Android's browsers have them for service workers only.
  }
}
