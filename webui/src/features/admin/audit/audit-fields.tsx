/** What of the log is shown. */
import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import { useTranslation } from "react-i18next";
import { Select } from "@/ui/select";
import { SearchField } from "../parts/search-field";
import { ACTION_GROUPS, type ActionGroup } from "./actions";
import type { FilterName } from "./audit-filter";

interface Props {
  params: URLSearchParams;
  onParams: (params: URLSearchParams) => void;
}

export function AuditFields({ params, onParams }: Props) {
  const { t } = useTranslation();
  const set = (name: FilterName, value: string) => {
    if (value === (params.get(name) ?? "")) return;
    const next = new URLSearchParams(params);
    if (value) next.set(name, value);
    else next.delete(name);
    onParams(next);
  };
  const action = ACTION_GROUPS.find((each) => each === params.get("action")) ?? "";
  const day = (name: "from" | "to") => (
    <TextField
      type="date"
      label={t(name === "from" ? "admin.audit.from" : "admin.audit.to")}
      value={params.get(name) ?? ""}
      onChange={(event) => set(name, event.target.value)}
      slotProps={{ inputLabel: { shrink: true } }}
    />
  );
  return (
    <Box sx={{ display: "grid", gap: 1.5, gridTemplateColumns: "repeat(auto-fill, minmax(180px, 1fr))", mb: 2 }}>
      <Select<ActionGroup | "">
        label={t("admin.audit.kind")}
        value={action}
        options={[
          { value: "", label: t("admin.audit.everything") },
          ...ACTION_GROUPS.map((each) => ({ value: each, label: t(`admin.actionGroups.${each}`) })),
        ]}
        onValue={(value) => set("action", value)}
      />
      <SearchField
        label={t("admin.audit.who")}
        value={params.get("actor") ?? ""}
        onValue={(value) => set("actor", value)}
      />
      {day("from")}
      {day("to")}
    </Box>
  );
}
