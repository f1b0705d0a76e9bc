/** Gives code to the browser to be kept as a file, which is called as files of its language are. Loaded when asked for. */

const ENDINGS: Record<string, string> = {
  bash: "sh",
  "c#": "cs",
  "c++": "cpp",
  csharp: "cs",
  javascript: "js",
  kotlin: "kt",
  markdown: "md",
  powershell: "ps1",
  python: "py",
  ruby: "rb",
  rust: "rs",
  shell: "sh",
  typescript: "ts",
};

export function saveCode(code: string, language: string): void {
  const address = URL.createObjectURL(new Blob([code], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `code.${endingOf(language)}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address)); // it has been taken by then
}

/** Of a language as a fence names it; most are called as their files end. */
function endingOf(language: string): string {
  return ENDINGS[language] ?? (/^[a-z0-9]{1,5}$/.test(language) ? language : "txt");
}
