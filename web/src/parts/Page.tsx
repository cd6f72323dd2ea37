import { Anchor, Group, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconChevronRight } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link } from "wouter";

/** A screen's head: where one is, what it is about, what can be done. */
export function Page({ title, about, trail = [], actions, children }: {
  title: string;
  about?: ReactNode;
  trail?: { label: string; path: string }[];
  actions?: ReactNode;
  children: ReactNode;
}) {
  useDocumentTitle(`${title} · ${document.documentElement.dataset.site ?? "Torana"}`);
  return (
    <div className="grid" style={{ maxWidth: 1500 }}>
      <Group justify="space-between" align="flex-end" gap="sm">
        <div style={{ minWidth: 0 }}>
          {trail.length > 0 && (
            <Group gap={4} component="nav" aria-label="Where this is">
              {trail.map((step) => (
                <Group gap={4} key={step.path}>
                  <Anchor component={Link} href={step.path} size="xs">{step.label}</Anchor>
                  <IconChevronRight size={12} aria-hidden />
                </Group>
              ))}
            </Group>
          )}
          <Title order={1}>{title}</Title>
          {about && <Text c="dimmed" size="sm" component="div">{about}</Text>}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </div>
  );
}

/** A framed part of a screen. */
export function Card({ title, actions, children, flush }: {
  title?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  /** Without padding, for tables. */
  flush?: boolean;
}) {
  return (
    <section className="card">
      {(title || actions) && (
        <header>
          <Title order={2}>{title}</Title>
          {actions && <Group gap="xs">{actions}</Group>}
        </header>
      )}
      {flush ? children : <div className="inside">{children}</div>}
    </section>
  );
}
