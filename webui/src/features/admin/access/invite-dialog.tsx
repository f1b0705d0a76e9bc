/** Lets one person make an account: the link is shown once. */

import TextField from "@mui/material/TextField";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { Select } from "@/ui/select";
import { useErrorText } from "@/ui/use-error-text";
import { useFormat } from "@/ui/use-format";
import { adminKeys } from "../admin-keys";
import { FormDialog } from "../parts/form-dialog";
import { LinkDialog } from "../parts/link-dialog";
import { useAction } from "../parts/use-action";

const DAYS = ["1", "7", "30", "90"] as const;
type Days = (typeof DAYS)[number];

interface Props {
  close: () => void;
}

export function InviteDialog({ close }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const textOf = useErrorText();
  const { attempt } = useAction();
  const [note, setNote] = useState("");
  const [days, setDays] = useState<Days>("7");
  const invite = useMutation({
    mutationFn: () => {
      const body = { note: note.trim(), expires_in_days: Number(days) };
      return attempt(call("POST /api/admin/invitations", { body }), { changes: [adminKeys.invitations] });
    },
  });
  if (invite.data) {
    return (
      <LinkDialog title={t("admin.invitations.made")} link={invite.data.link} close={close}>
        {t("admin.invitations.howTo", { when: format.date(invite.data.expires_at_ms) })}
      </LinkDialog>
    );
  }
  return (
    <FormDialog
      title={t("admin.users.invite")}
      text={t("admin.invitations.inviteText")}
      action={t("admin.invitations.make")}
      error={invite.isError ? textOf(invite.error) : null}
      isBusy={invite.isPending}
      submit={() => invite.mutate()}
      close={close}
    >
      <TextField
        autoFocus
        label={t("admin.invitations.note")}
        helperText={t("admin.invitations.noteHint")}
        value={note}
        onChange={(event) => setNote(event.target.value)}
        autoComplete="off"
        sx={{ mt: 1 }}
        slotProps={{ htmlInput: { maxLength: 200 } }}
      />
      <Select
        label={t("admin.invitations.validFor")}
        value={days}
        options={DAYS.map((each) => ({ value: each, label: t("admin.days", { count: Number(each) }) }))}
        onValue={setDays}
      />
    </FormDialog>
  );
}
