/** What the writer should know before sending: of the model, of the length, of files, of the server. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { PreviewView } from "@/api/types.gen";
import { useMe } from "@/api/use-me";
import { addressOf } from "@/lib/place";
import { useFormat } from "@/ui/use-format";
import { type ModelChoice, type ModelTrouble, troubleOf } from "../model-choice";
import { MAX_FILE_BYTES, MAX_FILES, type Refusal } from "./read-texts";

interface Props {
  choice: ModelChoice;
  preview: PreviewView | undefined;
  refused: readonly Refusal[];
  /** The draft is sent when the server is back. */
  isWaiting: boolean;
}

export function Notices({ choice, preview, refused, isWaiting }: Props) {
  const { t } = useTranslation();
  const trouble = troubleOf(choice);
  const most = { files: MAX_FILES, size: MAX_FILE_BYTES / 1_000_000 };
  return (
    <>
      {trouble && <ModelNotice choice={choice} trouble={trouble} />}
      {preview?.too_long && <Excess preview={preview} excess={preview.too_long} />}
      {refused.length > 0 && (
        <Notice
          isProblem
          text={refused.map(({ name, why }) => t(`writing.files.${why}`, { name, ...most })).join(" ")}
        />
      )}
      {isWaiting && <Notice text={t("writing.waitsForServer")} />}
    </>
  );
}

interface NoticeProps {
  text: string;
  isProblem?: boolean;
  /** What can be done about it. */
  children?: ReactNode;
}

function Notice({ text, isProblem = false, children }: NoticeProps) {
  return (
    <Box
      role="status"
      sx={{
        display: "flex",
        flexWrap: "wrap",
        alignItems: "center",
        justifyContent: "space-between",
        columnGap: 1,
        px: 1.25,
        py: 0.5,
        fontSize: "0.88rem",
        overflowWrap: "anywhere",
        color: isProblem ? "error.main" : "text.secondary",
      }}
    >
      {text}
      {children}
    </Box>
  );
}

function Excess({ preview, excess }: { preview: PreviewView; excess: NonNullable<PreviewView["too_long"]> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [num, most] = [preview.num_prompt_tokens ?? 0, preview.context_length ?? 0];
  return (
    <Notice isProblem text={t(`writing.tooLong.${excess}`)}>
      <Box component="span" sx={{ display: "flex", alignItems: "center", gap: 1, fontSize: "0.78rem" }}>
        <Box component="span" sx={{ width: 84, height: 6, borderRadius: 3, bgcolor: "error.main" }} />
        {t("writing.excess", { num: format.number(num), most: format.number(most) })}
      </Box>
    </Notice>
  );
}

function ModelNotice({ choice, trouble }: { choice: ModelChoice; trouble: ModelTrouble }) {
  const { t } = useTranslation();
  const isAdmin = useMe().data?.user?.role === "admin";
  const { choose, missing: model } = choice;
  const other = choice.models?.[0];
  const texts: Record<ModelTrouble, string> = {
    none: t(isAdmin ? "writing.noModelAdmin" : "writing.noModel"),
    missing: t(choose ? "writing.modelGone" : "writing.modelGoneOthers", { model }),
    failed: t(isAdmin ? "writing.modelFailedAdmin" : "writing.modelFailed"),
    loading: t("writing.modelLoading"),
  };
  return (
    <Notice isProblem={trouble !== "loading"} text={texts[trouble]}>
      {trouble === "missing" && choose && other && (
        <Button size="small" onClick={() => choose(other.id)}>
          {t("writing.useModel", { model: other.id })}
        </Button>
      )}
      {isAdmin && (trouble === "none" || trouble === "failed") && (
        <Button size="small" component="a" href={addressOf("/admin/models")}>
          {t("writing.toModels")}
        </Button>
      )}
    </Notice>
  );
}
