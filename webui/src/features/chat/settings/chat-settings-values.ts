/** A chat's settings as the texts of a form, and back. Pure. What the form does not show is kept as it is. */
import { ApiError } from "@/api/errors";
import type { ConfigBody, ConfigView } from "@/api/types.gen";

export const NUMBERS = [
  { name: "temperature", min: 0, max: 2, step: 0.05 },
  { name: "top_p", min: 0.01, max: 1, step: 0.01 },
  { name: "max_tokens", min: 1, max: 1_000_000, step: 1 },
  { name: "seed", min: 0, max: 2 ** 53, step: 1 },
] as const;

export type NumberName = (typeof NUMBERS)[number]["name"];

export type ChatSettings = Record<NumberName, string> & {
  system_prompt: string;
  context_overflow: ConfigView["context_overflow"];
};

export function formOf(config: ConfigView): ChatSettings {
  const { system_prompt, context_overflow } = config;
  const texts = NUMBERS.map(({ name }) => [name, config[name]?.toString() ?? ""]);
  return { ...(Object.fromEntries(texts) as Record<NumberName, string>), system_prompt, context_overflow };
}

export function withForm(config: ConfigView, form: ChatSettings): ConfigBody {
  const body: ConfigBody = { ...config, system_prompt: form.system_prompt, context_overflow: form.context_overflow };
  for (const { name } of NUMBERS) {
    const text = form[name].trim();
    body[name] = text === "" ? null : Number(text);
  }
  return body;
}

/** The first number that the server would refuse, as it refuses it; null: none. */
export function faultIn(body: ConfigBody): ApiError | null {
  const wrong = NUMBERS.find(({ name, min, max, step }) => {
    const value = body[name];
    if (value === null || value === undefined) return false;
    return !(value >= min && value <= max) || (step === 1 && !Number.isInteger(value));
  });
  return wrong ? new ApiError("invalid_value", `${wrong.name} is out of range.`, wrong.name, 400) : null;
}
