/** The kinds of deeds that the log has; one stands for all that begin with it, "user" for "user.create". */

export const ACTION_GROUPS = [
  "login",
  "logout",
  "register",
  "password",
  "user",
  "invitation",
  "key",
  "model",
  "generation",
  "backup",
  "storage",
  "audit",
] as const;
export type ActionGroup = (typeof ACTION_GROUPS)[number];
