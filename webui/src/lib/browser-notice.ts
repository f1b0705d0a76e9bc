/** Notices of the browser itself, for who has the page out of sight. Only after they were asked for (settings). */

export type NoticePermission = NotificationPermission | "unsupported";

/** "unsupported": the browser has none, or not over plain http. */
export function noticePermission(): NoticePermission {
  return "Notification" in window ? Notification.permission : "unsupported";
}

const STORED_AS = "bdchat.notices";

/** Whether this browser tells of answers: it may, and nobody has turned it off. */
export function areNoticesOn(): boolean {
  return noticePermission() === "granted" && localStorage.getItem(STORED_AS) !== "off";
}

/** Turned on, the browser asks whether it may. */
export async function turnNotices(isOn: boolean): Promise<void> {
  localStorage.setItem(STORED_AS, isOn ? "on" : "off");
  if (isOn) await askForNotices();
}

async function askForNotices(): Promise<NoticePermission> {
  return "Notification" in window ? Notification.requestPermission() : "unsupported";
}

/** Nothing happens while the page is in sight. `tag`: a later one with the same takes its place. */
export function showBrowserNotice(text: string, tag: string, onClick: () => void): void {
  if (!areNoticesOn() || document.visibilityState === "visible") return;
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
