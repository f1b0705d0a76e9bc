/** Who something belongs to, by the name that they sign in with. */
import type { TFunction } from "i18next";

/** `userId` null: not known here; "": the guest of this machine, who has no account. */
export function ownerName(t: TFunction, userId: string | null, username: string | null): string {
  if (username) return username;
  if (userId === null) return t("admin.owner.unknown");
  return userId === "" ? t("admin.owner.guest") : t("admin.owner.gone");
}
