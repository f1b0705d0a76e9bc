/** Where a fault of ours ends: the page says so and offers to load itself again; the server has every word. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { FallbackOnError } from "@/lib/fallback-on-error";
import { Problem } from "@/ui/problem";

interface Props {
  children: ReactNode;
}

export function ErrorBoundary({ children }: Props) {
  return <FallbackOnError fallback={<Fault />}>{children}</FallbackOnError>;
}

function Fault() {
  const { t } = useTranslation();
  return (
    <Problem title={t("error.fault")} action={{ label: t("error.reload"), onClick: () => location.reload() }}>
      {t("error.faultText")}
    </Problem>
  );
}
