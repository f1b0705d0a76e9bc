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
  "pin",
  "generation",
  "document",
  "collection",
  "backup",
  "storage",
  "audit",
] as const;
/** Every deed that the server records, and the name of its words under `admin.actions` (tests/test_audit_words.py). */
export const ACTIONS = {
  login: "login",
  "login.failed": "loginFailed",
  "login.end": "loginEnd",
  logout: "logout",
  register: "register",
  "password.change": "passwordChange",
  "user.create": "userCreate",
  "user.change": "userChange",
  "user.quota": "userQuota",
  "user.limits": "userLimits",
  "user.reset_password": "userResetPassword",
  "user.sign_out": "userSignOut",
  "user.disable": "userDisable",
  "user.enable": "userEnable",
  "user.delete": "userDelete",
  "invitation.create": "invitationCreate",
  "invitation.revoke": "invitationRevoke",
  "key.create": "keyCreate",
  "key.revoke": "keyRevoke",
  "model.load": "modelLoad",
  "model.unload": "modelUnload",
  "model.default": "modelDefault",
  "model.delete": "modelDelete",
  "model.pull": "modelPull",
  "model.pull.cancel": "modelPullCancel",
  "pin.create": "pinCreate",
  "pin.delete": "pinDelete",
  "generation.cancel": "generationCancel",
  "document.purge": "documentPurge",
  "collection.share": "collectionShare",
  "collection.unshare": "collectionUnshare",
  "backup.create": "backupCreate",
  "backup.download": "backupDownload",
  "backup.delete": "backupDelete",
  "storage.compact": "storageCompact",
  "audit.export": "auditExport",
} as const;

export function isAction(action: string): action is keyof typeof ACTIONS {
  return Object.hasOwn(ACTIONS, action);
}

export type ActionGroup = (typeof ACTION_GROUPS)[number];
