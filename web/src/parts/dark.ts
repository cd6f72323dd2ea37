import { useComputedColorScheme } from "@mantine/core";

/** Whether the dark colours are shown, right from the first time it is asked. */
export function useDark(): boolean {
  return useComputedColorScheme("light", { getInitialValueInEffect: false }) === "dark";
}
