/** The fields that narrow a search: who wrote it, when, in which folder. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useTranslation } from "react-i18next";
import { useFolders } from "@/api/use-folders";
import { Select } from "@/ui/select";
import { isNarrowed, NO_FILTER, type SearchFilter, WRITERS } from "./search-filter";

interface Props {
  filter: SearchFilter;
  change: (filter: SearchFilter) => void;
}

const ANY = "any";

export function SearchFilters({ filter, change }: Props) {
  const { t } = useTranslation();
  const folders = useFolders(true).data ?? [];
  const dayField = (name: "from" | "to", label: string) => (
    <TextField
      type="date"
      fullWidth
      label={label}
      value={filter[name]}
      onChange={(event) => change({ ...filter, [name]: event.target.value })}
      slotProps={{ inputLabel: { shrink: true } }}
    />
  );
  return (
    <Box sx={{ display: "grid", gap: 1.5, px: 1.5, pt: 1, pb: 0.5 }}>
      <Select
        label={t("search.writer")}
        value={filter.writer}
        options={WRITERS.map((value) => ({ value, label: t(`search.writers.${value || "any"}`) }))}
        onValue={(writer) => change({ ...filter, writer })}
      />
      <Select
        label={t("search.folder")}
        value={filter.folder === undefined ? ANY : `=${filter.folder}`}
        options={[
          { value: ANY, label: t("search.anyFolder") },
          { value: "=", label: t("search.noFolder") },
          ...folders.map(({ name }) => ({ value: `=${name}`, label: name })),
        ]}
        onValue={(value) => change({ ...filter, folder: value === ANY ? undefined : value.slice(1) })}
      />
      {dayField("from", t("search.from"))}
      {dayField("to", t("search.to"))}
      {isNarrowed(filter) && (
        <Button size="small" onClick={() => change(NO_FILTER)} sx={{ justifySelf: "start" }}>
          {t("search.clear")}
        </Button>
      )}
    </Box>
  );
}
