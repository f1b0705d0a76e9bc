/** What somebody should know of the model before they trust it: that it lacks their language, or is tiny. Said once. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Model } from "@/api/types.gen";
import { scriptLanguage } from "@/lib/script-language";

const STORED_AS = "bdchat.advised";
/** Below it a model is for trying things out. */
const TINY_PARAMETERS = 400_000_000;

export interface ModelAdvice {
  model: string;
  /** The language that it lacks; null: it is tiny. */
  language: string | null;
  dismiss: () => void;
}

/** `model`: which answers. `question`: the last one of a chat; null where none was asked: the page's language counts. */
export function useModelAdvice(model: Model | undefined, question: string | null): ModelAdvice | null {
  const { i18n } = useTranslation();
  const [advised, setAdvised] = useState(read);
  if (!model) return null;
  const asked = question === null ? i18n.language : scriptLanguage(question);
  const language = asked !== null && lacks(model, asked) ? asked : null;
  if (language === null && !(question === null && isTiny(model))) return null;
  const about = `${model.id} ${language ?? "tiny"}`;
  if (advised.includes(about)) return null;
  const dismiss = () => {
    const all = [...read(), about];
    localStorage.setItem(STORED_AS, JSON.stringify(all));
    setAdvised(all);
  };
  return { model: model.id, language, dismiss };
}

/** Of a model whose languages nobody told, nothing is said. */
export function lacks({ languages }: Pick<Model, "languages">, language: string): boolean {
  return languages.length > 0 && !languages.includes(language) && !languages.includes("multilingual");
}

function isTiny({ num_parameters }: Model): boolean {
  return num_parameters !== null && num_parameters < TINY_PARAMETERS;
}

function read(): readonly string[] {
  const stored = localStorage.getItem(STORED_AS);
  try {
    const all: unknown = JSON.parse(stored ?? "[]");
    return Array.isArray(all) ? all.map(String) : [];
  } catch {
    return [];
  }
}
