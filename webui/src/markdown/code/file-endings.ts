/** What a file of some language is called. Pure. */

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

/** Of a language as a fence names it; most are called as their files end. */
export function endingOf(language: string): string {
  return ENDINGS[language] ?? (/^[a-z0-9]{1,5}$/.test(language) ? language : "txt");
}
