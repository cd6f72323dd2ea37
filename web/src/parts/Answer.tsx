import { Alert, Skeleton, Stack } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { GatewayError } from "../gateway/call";

/** What a query answered; its skeleton before, the service's own message when it failed. */
export function Answer<T>({ of, children, lines = 4 }: {
  of: UseQueryResult<T, GatewayError>;
  children: (data: T) => ReactNode;
  lines?: number;
}) {
  if (of.error) return <Wrong error={of.error} />;
  if (of.data === undefined) {
    return (
      <Stack gap={8} p="md" aria-busy="true">
        {Array.from({ length: lines }, (_, i) => <Skeleton key={i} h={16} />)}
      </Stack>
    );
  }
  return <>{children(of.data)}</>;
}

export function Wrong({ error }: { error: { message: string; code?: string; requestId?: string } }) {
  return (
    <Alert color="red" variant="light" title={error.code} role="alert" m="sm">
      {error.message}
      {error.requestId && <div className="mono">request {error.requestId}</div>}
    </Alert>
  );
}
