/** Something whose code is loaded when first needed; until then, and if that fails (no line), the plain text stands in. */
import { Component, type ReactNode, Suspense } from "react";

interface Props {
  plain: ReactNode;
  children: ReactNode;
}

export class LazyPart extends Component<Props, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    if (this.state.hasFailed) return this.props.plain;
    return <Suspense fallback={this.props.plain}>{this.props.children}</Suspense>;
  }
}
