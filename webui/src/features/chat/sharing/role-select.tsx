/** What somebody may in a chat: read it, or write in it too. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import type { MemberView } from "@/api/types.gen";
import { plainField } from "@/ui/plain-field";

const ROLES = ["reader", "writer"] as const satisfies readonly MemberView["role"][];

interface Props {
  label: string;
  role: MemberView["role"];
  choose: (role: MemberView["role"]) => void;
}

export function RoleSelect({ label, role, choose }: Props) {
  const { t } = useTranslation();
  return (
    <Box
      component="select"
      aria-label={label}
      value={role}
      onChange={(event) => choose(event.target.value as MemberView["role"])}
      sx={{ ...plainField, width: "auto", height: 40, flexShrink: 0 }}
    >
      {ROLES.map((each) => (
        <option key={each} value={each}>
          {t(`sharing.roles.${each}`)}
        </option>
      ))}
    </Box>
  );
}
