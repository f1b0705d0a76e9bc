/** Invites somebody by the name that they sign in with. Whether anybody has it is not told. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useMutation } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import type { MemberView } from "@/api/types.gen";
import { useErrorText } from "@/ui/use-error-text";
import { RoleSelect } from "./role-select";

interface Props {
  sessionId: string;
  done: () => void;
}

export function MemberForm({ sessionId, done }: Props) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const field = useRef<HTMLInputElement>(null);
  const [name, setName] = useState("");
  const [role, setRole] = useState<MemberView["role"]>("reader");
  const username = name.normalize("NFC").trim();
  const invite = useMutation({
    mutationFn: () =>
      call("POST /api/sessions/{session_id}/members", { path: { session_id: sessionId }, body: { username, role } }),
    onSuccess: () => {
      setName("");
      field.current?.focus();
      done();
    },
  });
  return (
    <Box
      component="form"
      onSubmit={(event) => {
        event.preventDefault();
        if (username && !invite.isPending) invite.mutate();
      }}
      sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "flex-start" }}
    >
      <TextField
        size="small"
        label={t("sharing.username")}
        value={name}
        onChange={(event) => {
          setName(event.target.value);
          invite.reset();
        }}
        error={invite.isError}
        helperText={invite.isError ? textOf(invite.error) : ""}
        autoComplete="off"
        sx={{ flex: "1 1 170px" }}
        inputRef={field}
        slotProps={{ htmlInput: { maxLength: 64, autoCapitalize: "none", spellCheck: false } }}
      />
      <RoleSelect label={t("sharing.role")} role={role} choose={setRole} />
      <Button type="submit" variant="contained" loading={invite.isPending} disabled={!username} sx={{ height: 40 }}>
        {t("sharing.invite")}
      </Button>
    </Box>
  );
}
