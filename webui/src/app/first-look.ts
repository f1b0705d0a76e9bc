/** Light or dark before the first drawing: MUI says it only after, and who has chosen dark would see a flash of light. */

const STORED_AS = "mui-mode"; // where MUI keeps what was chosen in the settings

export function applyLook(): void {
  const chosen = localStorage.getItem(STORED_AS);
  const isDark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
}
