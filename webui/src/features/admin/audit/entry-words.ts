/** An entry of the audit log in words: what was done, to whom or what, and how. The raw form is in the download. */
import type { TFunction } from "i18next";
import type { AuditView } from "@/api/types.gen";
import type { Format } from "@/lib/format";
import { isLimit, LIMITS } from "../users/limits";
import { ACTIONS, isAction } from "./actions";

/** By id: accounts, keys and invitations that have a name. */
export type Names = Readonly<Record<string, string>>;

/** Deeds whose target is an account's id: one without a name was deleted. */
const OF_ACCOUNTS = /^(?:user\.|login$|logout$|register$|password\.)/;
/** Deeds whose target is an id that says nothing to anybody. */
const OF_IDS = /^(?:login\.end$|key\.|invitation\.|generation\.|document\.|collection\.)/;
const SCOPES = ["chat", "sessions", "admin"] as const;

export function actionText(t: TFunction, action: string): string {
  return isAction(action) ? t(`admin.actions.${ACTIONS[action]}`) : action;
}

export function targetText(t: TFunction, { action, target, detail }: AuditView, names: Names): string {
  const name = names[target] ?? (typeof detail.username === "string" ? detail.username : null);
  if (name) return name;
  if (OF_ACCOUNTS.test(action) && target) return t("admin.owner.gone");
  return target && !OF_IDS.test(action) ? target : "–";
}

export function detailText(t: TFunction, format: Format, { detail }: AuditView, names: Names): string {
  const parts = Object.entries(detail).map(([name, value]) => partText(t, format, name, value, names));
  return parts.filter(Boolean).join(" · ") || "–";
}

function partText(t: TFunction, format: Format, name: string, value: unknown, names: Names): string {
  if (name === "username") return ""; // of the target, which is called by it
  if (name === "quota_bytes") {
    return typeof value === "number" ? format.bytes(value) : t("admin.audit.details.quotaDefault");
  }
  if (isLimit(name)) return `${t(LIMITS[name].label)}: ${limitText(t, format, value)}`;
  if (name === "is_bulk") return value ? t("keys.bulk") : "";
  if (name === "role" && (value === "admin" || value === "user")) return t(`admin.roles.${value}`);
  if (name === "is_disabled") return t(value ? "admin.audit.details.disabled" : "admin.audit.details.enabled");
  if (name === "display_name") return t("admin.audit.details.displayName", { name: String(value) });
  if (name === "num_ended") return t("admin.audit.details.numEnded", { count: Number(value) });
  if (name === "user_id") return names[String(value)] ?? t("admin.owner.gone");
  if (name === "scopes") {
    const given = String(value).split(" ");
    return SCOPES.filter((scope) => given.includes(scope))
      .map((scope) => t(`keys.scopeNames.${scope}`))
      .join(", ");
  }
  return `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`;
}

function limitText(t: TFunction, format: Format, value: unknown): string {
  if (typeof value !== "number") return t("admin.audit.details.quotaDefault");
  return value === 0 ? t("admin.limits.none") : format.number(value);
}
