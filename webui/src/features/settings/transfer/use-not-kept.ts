/** What of a chat in the file is not in the imported one, in the reader's language; kinds of a newer server are not told. */
import { useTranslation } from "react-i18next";
import type { Outcome } from "./use-import";

export function useNotKept(): (line: Outcome) => string | null {
  const { t, i18n } = useTranslation();
  return (line) => {
    if (line.type !== "chat") return null;
    const kinds = Object.entries(line.not_kept).flatMap(([kind, count]) => {
      const key = `import.kinds.${kind}` as "import.kinds.images"; // one of them
      return i18n.exists(key, { count }) ? [t(key, { count })] : [];
    });
    return kinds.length > 0 ? t("import.left", { kinds: kinds.join(", ") }) : null;
  };
}
