import { Skeleton } from "@mantine/core";
import { lazy, Suspense, type ComponentProps } from "react";

const Editor = lazy(() => import("./Editor"));

/** The editor, fetched when there is something to edit. */
export function Code(props: ComponentProps<typeof Editor>) {
  return (
    <Suspense fallback={<Skeleton h={props.height ?? "220px"} />}>
      <Editor {...props} />
    </Suspense>
  );
}

/** JSON set out in lines; anything else as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
