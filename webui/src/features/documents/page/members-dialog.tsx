/** Who else may look into a collection, or change it. Whether anybody has a name that is asked for is not told. */
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { collectionMembersQuery, putCollectionMember, removeCollectionMember } from "@/api/documents";
import { keys } from "@/api/keys";
import type { CollectionMemberView, CollectionView } from "@/api/types.gen";
import { IconAction } from "@/ui/icon-action";
import { Loading } from "@/ui/loading";
import { plainField } from "@/ui/plain-field";
import { useErrorText } from "@/ui/use-error-text";

const ROLES = ["reader", "writer"] as const;
type Role = CollectionMemberView["role"];

interface Props {
  collection: CollectionView;
  close: () => void;
}

export function MembersDialog({ collection, close }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const titleId = useId();
  const [typed, setTyped] = useState("");
  const [added, setAdded] = useState("");
  const [role, setRole] = useState<Role>("reader");
  const { collection_id: id, name } = collection;
  const username = typed.normalize("NFC").trim();
  const members = useQuery(collectionMembersQuery(id));
  const onSettled = () => queries.invalidateQueries({ queryKey: keys.collections });
  const put = useMutation({
    mutationFn: (member: { username: string; role: Role }) => putCollectionMember(id, member.username, member.role),
    onSettled,
  });
  const remove = useMutation({ mutationFn: (member: string) => removeCollectionMember(id, member), onSettled });
  const error = members.error ?? put.error ?? remove.error;
  return (
    <Dialog open onClose={close} fullWidth maxWidth="sm" aria-labelledby={titleId}>
      <DialogTitle id={titleId} sx={{ overflowWrap: "anywhere" }}>
        {t("documents.membersOf", { name })}
      </DialogTitle>
      <DialogContent>
        <Typography variant="body2" color="textSecondary" sx={{ mb: 2 }}>
          {t("documents.membersText")}
        </Typography>
        <Box
          component="form"
          onSubmit={(event) => {
            event.preventDefault();
            if (!username || put.isPending) return;
            put.mutate(
              { username, role },
              {
                onSuccess: () => {
                  setAdded(username);
                  setTyped("");
                },
              },
            );
          }}
          sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "flex-start" }}
        >
          <TextField
            size="small"
            label={t("documents.username")}
            value={typed}
            onChange={(event) => {
              setTyped(event.target.value);
              setAdded("");
            }}
            helperText={added && t("documents.memberAdded", { name: added })}
            autoComplete="off"
            sx={{ flex: "1 1 170px" }}
            slotProps={{
              htmlInput: { maxLength: 64, autoCapitalize: "none", spellCheck: false },
              formHelperText: { role: "status" },
            }}
          />
          <RoleChoice label={t("documents.role")} role={role} choose={setRole} />
          <Button type="submit" variant="contained" loading={put.isPending} disabled={!username} sx={{ height: 40 }}>
            {t("documents.addMember")}
          </Button>
        </Box>
        {error && (
          <Alert severity="error" sx={{ mt: 1.5 }}>
            {textOf(error)}
          </Alert>
        )}
        {members.isPending && <Loading />}
        <Box component="ul" aria-labelledby={titleId} sx={{ m: 0, mt: 1, p: 0, listStyle: "none" }}>
          {members.data?.map((member) => {
            const shown = member.display_name || member.username;
            return (
              <Box
                component="li"
                key={member.username}
                sx={{ display: "flex", alignItems: "center", gap: 1, py: 0.75 }}
              >
                <Typography noWrap component="bdi" sx={{ flex: 1 }}>
                  {shown}
                </Typography>
                <RoleChoice
                  label={t("documents.roleOf", { name: shown })}
                  role={member.role}
                  choose={(chosen) => put.mutate({ username: member.username, role: chosen })}
                />
                <IconAction
                  icon="close"
                  iconSize={18}
                  label={t("documents.removeMember", { name: shown })}
                  onClick={() => remove.mutate(member.username)}
                />
              </Box>
            );
          })}
        </Box>
      </DialogContent>
      <DialogActions>
        <Button onClick={close}>{t("common.close")}</Button>
      </DialogActions>
    </Dialog>
  );
}

function RoleChoice({ label, role, choose }: { label: string; role: Role; choose: (role: Role) => void }) {
  const { t } = useTranslation();
  return (
    <Box
      component="select"
      aria-label={label}
      value={role}
      onChange={(event) => choose(event.target.value as Role)}
      sx={{ ...plainField, width: "auto", height: 40, flexShrink: 0 }}
    >
      {ROLES.map((each) => (
        <option key={each} value={each}>
          {t(`documents.roles.${each}`)}
        </option>
      ))}
    </Box>
  );
}
