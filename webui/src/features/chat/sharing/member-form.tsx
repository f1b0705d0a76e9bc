/**
 * Invites somebody by the name that they sign in with. Whether anybody has it is not told; those are suggested whom one
 * shares a chat with already.
 */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { MemberView } from "@/api/types.gen";
import { useErrorText } from "@/ui/use-error-text";
import { RoleSelect } from "./role-select";

interface Props {
  sessionId: string;
  /** Names that need no suggestion. */
  present: readonly string[];
  done: () => void;
}

export function MemberForm({ sessionId, present, done }: Props) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const field = useRef<HTMLInputElement>(null);
  const [name, setName] = useState("");
  const [invited, setInvited] = useState<string | null>(null);
  const [role, setRole] = useState<MemberView["role"]>("reader");
  const username = name.normalize("NFC").trim();
  const listId = useId();
  const known = useQuery({ queryKey: keys.people, queryFn: ({ signal }) => call("GET /api/people", { signal }) });
  const suggested = known.data?.data.filter((person) => !present.includes(person.username)) ?? [];
  const invite = useMutation({
    mutationFn: () =>
      call("POST /api/sessions/{session_id}/members", { path: { session_id: sessionId }, body: { username, role } }),
    onSuccess: ({ state }) => {
      setInvited(state === "invited" ? username : null);
      setName("");
      field.current?.focus();
      done();
    },
  });
  const said = invite.isError ? textOf(invite.error) : invited === null ? "" : t("sharing.asked", { name: invited });
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
          setInvited(null);
          invite.reset();
        }}
        error={invite.isError}
        helperText={said}
        autoComplete="off"
        sx={{ flex: "1 1 170px" }}
        inputRef={field}
        slotProps={{
          htmlInput: { maxLength: 64, autoCapitalize: "none", spellCheck: false, list: listId },
          formHelperText: { role: "status" },
        }}
      />
      <datalist id={listId}>
        {suggested.map(({ username: each, display_name: shown }) => (
          <option key={each} value={each} label={shown && shown !== each ? `${shown} (${each})` : each} />
        ))}
      </datalist>
      <RoleSelect label={t("sharing.role")} role={role} choose={setRole} />
      <Button type="submit" variant="contained" loading={invite.isPending} disabled={!username} sx={{ height: 40 }}>
        {t("sharing.invite")}
      </Button>
    </Box>
  );
}
