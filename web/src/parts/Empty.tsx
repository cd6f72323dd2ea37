import { Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

/** Nothing here: says what to do next. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Stack align="center" gap={6} py={36} px="md" ta="center">
      <Text fw={600}>{title}</Text>
      {children && <Text c="dimmed" size="sm" maw={460} component="div">{children}</Text>}
      {action && <div style={{ marginTop: 8 }}>{action}</div>}
    </Stack>
  );
}
