/** The answers to being asked into a chat. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { call } from "@/api/client";
import { keys } from "@/api/keys";

export function useInvitationAnswer() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const onSettled = () => queries.invalidateQueries({ queryKey: keys.invitations }); // one may be withdrawn by now
  const accept = useMutation({
    mutationFn: (id: string) => call("POST /api/invitations/{invitation_id}/accept", { path: { invitation_id: id } }),
    onSuccess: ({ session_id: sessionId }) => {
      queries.invalidateQueries({ queryKey: [...keys.sessions, "list"] });
      navigate(`/chat/${sessionId}`);
    },
    onSettled,
  });
  const decline = useMutation({
    mutationFn: (id: string) => call("POST /api/invitations/{invitation_id}/decline", { path: { invitation_id: id } }),
    onSettled,
  });
  return { accept, decline };
}
