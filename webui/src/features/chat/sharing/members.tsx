/** The people who are in a chat or were asked into it, and what each may. */
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { MemberView } from "@/api/types.gen";
import { IconAction } from "@/ui/icon-action";
import { Loading } from "@/ui/loading";
import { useErrorText } from "@/ui/use-error-text";
import { MemberForm } from "./member-form";
import { RoleSelect } from "./role-select";

interface Props {
  sessionId: string;
}

export function Members({ sessionId }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const path = { session_id: sessionId };
  const members = useQuery({
    queryKey: keys.members(sessionId),
    queryFn: ({ signal }) => call("GET /api/sessions/{session_id}/members", { path, signal }),
  });
  const readAgain = () => queries.invalidateQueries({ queryKey: keys.members(sessionId) });
  const change = useMutation({
    mutationFn: ({ username, role }: Pick<MemberView, "username" | "role">) =>
      call("POST /api/sessions/{session_id}/members", { path, body: { username, role } }),
    onSettled: readAgain,
  });
  const remove = useMutation({
    mutationFn: ({ user_id: userId, invitation_id: invitationId }: MemberView) =>
      userId
        ? call("DELETE /api/sessions/{session_id}/members/{user_id}", { path: { ...path, user_id: userId } })
        : call("DELETE /api/sessions/{session_id}/invitations/{invitation_id}", {
            path: { ...path, invitation_id: invitationId ?? "" },
          }),
    onSettled: readAgain,
  });
  const error = members.error ?? change.error ?? remove.error;
  return (
    <Box component="section" aria-labelledby="sharing-members">
      <Typography id="sharing-members" component="h3" sx={{ fontWeight: 650 }}>
        {t("sharing.members")}
      </Typography>
      <Typography variant="body2" color="textSecondary" sx={{ mb: 2 }}>
        {t("sharing.membersText")}
      </Typography>
      <MemberForm
        sessionId={sessionId}
        present={members.data?.data.map((member) => member.username) ?? []}
        done={readAgain}
      />
      {error && (
        <Alert severity="error" sx={{ mt: 1.5 }}>
          {textOf(error)}
        </Alert>
      )}
      {members.isPending && <Loading />}
      {members.data?.data.length === 0 && (
        <Typography variant="body2" color="textSecondary" sx={{ mt: 1.5 }}>
          {t("sharing.nobody")}
        </Typography>
      )}
      <Box component="ul" aria-labelledby="sharing-members" sx={{ m: 0, mt: 1, p: 0, listStyle: "none" }}>
        {members.data?.data.map((member) => {
          const name = member.display_name || member.username;
          const isAsked = member.state === "invited";
          return (
            <Box
              component="li"
              key={member.user_id ?? member.invitation_id}
              sx={{ display: "flex", alignItems: "center", gap: 1, py: 0.75 }}
            >
              <Box sx={{ flex: 1, minWidth: 0 }}>
                <Typography noWrap component="bdi" sx={{ display: "block" }}>
                  {name}
                </Typography>
                {(isAsked || name !== member.username) && (
                  <Typography variant="body2" color="textSecondary" noWrap>
                    {isAsked ? t("sharing.invited") : member.username}
                  </Typography>
                )}
              </Box>
              <RoleSelect
                label={t("sharing.roleOf", { name })}
                role={member.role}
                choose={(role) => change.mutate({ username: member.username, role })}
              />
              <IconAction
                icon="close"
                iconSize={18}
                label={t(isAsked ? "sharing.withdraw" : "sharing.remove", { name })}
                onClick={() => remove.mutate(member)}
              />
            </Box>
          );
        })}
      </Box>
    </Box>
  );
}
