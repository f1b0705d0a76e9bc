/** What cannot be drawn is shown as its plain text. */
import { Component, type ReactNode } from "react";

interface Props {
  plain: ReactNode;
  children: ReactNode;
}

export class PlainOnError extends Component<Props, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    return this.state.hasFailed ? this.props.plain : this.props.children;
  }
}
