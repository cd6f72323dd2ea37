import { Alert, Button, Stack } from "@mantine/core";
import { Component, type ReactNode } from "react";

/** A fault of one screen stays on that screen. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <Alert color="red" title="This screen failed" role="alert">
        <Stack align="flex-start">
          {this.state.error.message}
          <Button size="xs" variant="default" onClick={() => location.reload()}>Load it again</Button>
        </Stack>
      </Alert>
    );
  }
}
