/** What the model thought, folded away; its text is shown as it stands, for it is rarely markdown and often long. */
import { useTranslation } from "react-i18next";
import { languageOf } from "@/lib/language";

interface Props {
  text: string;
  /** It is thinking still. */
  isOpen: boolean;
}

export function ReasoningView({ text, isOpen }: Props) {
  const { t } = useTranslation();
  return (
    <details className="md-reasoning">
      <summary>{isOpen ? t("markdown.thinking") : t("markdown.reasoning")}</summary>
      <div dir="auto" lang={languageOf(text)}>
        {text}
      </div>
    </details>
  );
}
