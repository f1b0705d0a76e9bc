/** Accounts, with a search over their names. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import type { ManagedUser } from "@/api/types.gen";
import { useMe } from "@/api/use-me";
import { useFormat } from "@/ui/use-format";
import { type Column, DataTable } from "../parts/data-table";
import { Loaded } from "../parts/loaded";
import { SearchField } from "../parts/search-field";
import { useUsers } from "./use-users";
import { UserActions } from "./user-actions";
import { UserDialogs, type UserQuestion } from "./user-dialogs";

export function UserTable() {
  const { t } = useTranslation();
  const format = useFormat();
  const [params, setParams] = useSearchParams();
  const search = params.get("q") ?? "";
  const users = useUsers(search);
  const ownId = useMe().data?.user?.user_id;
  const [question, setQuestion] = useState<UserQuestion | null>(null);
  const columns: Column<ManagedUser>[] = [
    { key: "name", label: t("admin.users.name"), isHeader: true, show: (row) => <UserName user={row} /> },
    {
      key: "role",
      label: t("admin.users.role"),
      show: (row) => (row.is_disabled ? t("admin.roles.disabled") : t(`admin.roles.${row.role}`)),
    },
    {
      key: "seen",
      label: t("admin.users.seen"),
      show: (row) =>
        row.last_seen_at_ms === null ? t("admin.users.never") : format.ago(row.last_seen_at_ms, Date.now()),
    },
    {
      key: "sessions",
      label: t("admin.users.sessions"),
      isNumber: true,
      show: (row) => format.number(row.num_sessions),
    },
    { key: "logins", label: t("admin.users.logins"), isNumber: true, show: (row) => format.number(row.num_logins) },
    { key: "keys", label: t("admin.users.keys"), isNumber: true, show: (row) => format.number(row.num_keys) },
    {
      key: "quota",
      label: t("admin.users.quota"),
      isNumber: true,
      show: (row) => (row.quota_bytes === null ? t("admin.users.usualQuota") : format.bytes(row.quota_bytes)),
    },
    {
      key: "actions",
      label: t("admin.rowActions"),
      isUnlabelled: true,
      show: (row) => <UserActions user={row} isOwn={row.user_id === ownId} ask={setQuestion} />,
    },
  ];
  return (
    <>
      <Box sx={{ mb: 2 }}>
        <SearchField
          label={t("admin.users.search")}
          value={search}
          onValue={(value) => value !== search && setParams(value ? { q: value } : {}, { replace: true })}
        />
      </Box>
      <Loaded query={users}>
        {({ pages }) => (
          <DataTable
            label={t("admin.nav.users")}
            columns={columns}
            rows={pages.flatMap((page) => page.data)}
            keyOf={(row) => row.user_id}
            empty={t("admin.users.nobody", { words: search })}
          />
        )}
      </Loaded>
      {users.hasNextPage && (
        <Button sx={{ mt: 1 }} loading={users.isFetchingNextPage} onClick={() => users.fetchNextPage()}>
          {t("common.more")}
        </Button>
      )}
      {question && <UserDialogs question={question} close={() => setQuestion(null)} />}
    </>
  );
}

function UserName({ user }: { user: ManagedUser }) {
  return (
    <>
      {user.username}
      {user.display_name && user.display_name !== user.username && (
        <Box component="span" sx={{ color: "text.secondary", fontWeight: 400, ml: 1 }}>
          {user.display_name}
        </Box>
      )}
      {user.email && <Box sx={{ color: "text.secondary", fontWeight: 400, fontSize: "0.8125rem" }}>{user.email}</Box>}
    </>
  );
}
