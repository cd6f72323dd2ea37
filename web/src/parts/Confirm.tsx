import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { ReactNode } from "react";

/** A button for what cannot be taken back: asks first. */
export function Confirm({ label, title, children, act, size = "xs", icon, loading }: {
  label: string;
  title: string;
  children: ReactNode;
  act: () => void;
  size?: string;
  icon?: ReactNode;
  loading?: boolean;
}) {
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button size={size} variant="default" c="var(--mantine-color-error)" leftSection={icon} onClick={open} loading={loading}>{label}</Button>
      <Modal opened={opened} onClose={close} title={title} centered closeButtonProps={{ "aria-label": "Close" }}>
        <Stack>
          <Text size="sm" component="div">{children}</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>Keep it</Button>
            <Button color="red" onClick={() => { close(); act(); }}>{label}</Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
