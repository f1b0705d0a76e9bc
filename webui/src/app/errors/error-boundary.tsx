/** Where a fault of ours ends: the page says so and offers to load itself again; the server has every word. */
import { Component, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Problem } from "@/ui/problem";

interface Props {
  children: ReactNode;
}

export class ErrorBoundary extends Component<Props, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    return this.state.hasFailed ? <Fault /> : this.props.children;
  }
}

function Fault() {
  const { t } = useTranslation();
  return (
    <Problem title={t("error.fault")} action={{ label: t("error.reload"), onClick: () => location.reload() }}>
      {t("error.faultText")}
    </Problem>
  );
}
