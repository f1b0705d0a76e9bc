/** What is behind it is for people with an account; everybody else is sent to sign in, and comes back afterwards. */
import type { ReactNode } from "react";
import { Navigate, useLocation } from "react-router";
import { useMe } from "@/api/use-me";
import { Loading } from "@/ui/loading";
import { QueryProblem } from "@/ui/query-problem";

interface Props {
  children: ReactNode;
}

export function RequireUser({ children }: Props) {
  const me = useMe();
  const { pathname, search } = useLocation();
  if (me.isPending) return <Loading />;
  if (me.isError) return <QueryProblem error={me.error} retry={() => me.refetch()} />;
  if (me.data.user === null || me.data.user.must_change_password)
    return <Navigate to="/login" state={{ from: pathname + search }} replace />;
  return children;
}
