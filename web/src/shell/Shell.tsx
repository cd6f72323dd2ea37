import {
  ActionIcon, AppShell, Avatar, Burger, Button, Group, Kbd, Loader, Menu, NavLink, ScrollArea, Text,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { spotlight } from "@mantine/spotlight";
import { IconLogout, IconMoon, IconSearch, IconSun } from "@tabler/icons-react";
import { Suspense, useEffect } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { askJson } from "../gateway/call";
import { useSession } from "../gateway/session";
import { Empty } from "../parts/Empty";
import logo from "../torana.svg";
import { Boundary } from "./Boundary";
import { Palette } from "./Palette";
import { GROUPS, PLACES } from "./places";
import { useDark } from "../parts/dark";

/** The frame around every screen. */
export function Shell({ left }: { left: () => void }) {
  const [open, { toggle, close }] = useDisclosure(false);
  const session = useSession();
  const [location] = useLocation();
  const dark = useDark();
  const { setColorScheme } = useMantineColorScheme();
  const places = PLACES.filter((place) => !place.needs || session.services.includes(place.needs));
  useEffect(close, [location, close]);

  async function signOut() {
    await askJson("session", "DELETE").catch(() => {});
    left();
  }

  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 216, breakpoint: "sm", collapsed: { mobile: !open } }}
      padding="md"
      transitionDuration={0}
    >
      <a className="skip" href="#content">Skip to the content</a>
      <AppShell.Header bg="var(--surface)">
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
            <Link href="/" aria-label="Torana, overview" style={{ display: "flex", gap: 9, alignItems: "center", color: "inherit" }}>
              <img src={logo} width={26} height={26} alt="" />
              <Text fw={650} size="lg" visibleFrom="xs">Torana</Text>
            </Link>
          </Group>
          <Group gap={6} wrap="nowrap">
            <Button
              variant="default" size="xs" onClick={spotlight.open} leftSection={<IconSearch size={14} />} rightSection={<Kbd size="xs">/</Kbd>}
              c="dimmed" fw={400} visibleFrom="sm" w={230} className="find"
            >
              Go to or find…
            </Button>
            <ActionIcon variant="subtle" color="gray" hiddenFrom="sm" onClick={spotlight.open} aria-label="Go to or find">
              <IconSearch size={18} />
            </ActionIcon>
            <ActionIcon
              variant="subtle" color="gray" aria-label={dark ? "Light colours" : "Dark colours"}
              onClick={() => setColorScheme(dark ? "light" : "dark")}
            >
              {dark ? <IconSun size={18} /> : <IconMoon size={18} />}
            </ActionIcon>
            <Menu position="bottom-end" width={260}>
              <Menu.Target>
                <ActionIcon variant="subtle" color="gray" radius="xl" size="lg" aria-label="Account">
                  <Avatar size={28} color="lagoon" radius="xl">{nameOf(session.arn).slice(0, 1).toUpperCase()}</Avatar>
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Label>
                  <Text size="sm" fw={600} c="var(--mantine-color-text)">{nameOf(session.arn)}</Text>
                  <Text size="xs">Account {session.account} · {session.region}</Text>
                  <Text size="xs">Torana {session.version}</Text>
                </Menu.Label>
                <Menu.Divider />
                <Menu.Item leftSection={<IconLogout size={15} />} onClick={signOut}>Sign out</Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </Group>
        </Group>
      </AppShell.Header>

      <AppShell.Navbar bg="var(--surface)" aria-label="Screens">
        <ScrollArea p={8} type="never">
          {GROUPS.map((group) => (
            <div key={group} style={{ marginBottom: 10 }}>
              {group && places.some((place) => place.group === group) && (
                <Text size="xs" c="dimmed" fw={550} px={10} pt={6} pb={3}>{group}</Text>
              )}
              {places.filter((place) => place.group === group).map((place) => (
                <NavLink
                  key={place.path} component={Link} href={place.path} label={place.label} className="nav-link"
                  leftSection={<place.icon size={17} stroke={1.6} />} active={isAt(location, place.path)}
                  aria-current={isAt(location, place.path) ? "page" : undefined}
                />
              ))}
            </div>
          ))}
        </ScrollArea>
      </AppShell.Navbar>

      <AppShell.Main id="content" tabIndex={-1} style={{ outline: "none" }}>
        <Boundary key={location}>
          <Suspense fallback={<Loader size="sm" aria-label="Loading" />}>
            <Switch>
              {places.map((place) => (
                <Route key={place.path} path={place.path === "/" ? "/" : `${place.path}/*?`} component={place.page} />
              ))}
              <Route>
                <Empty title="There is no such page">Pick one from the navigation, or press / to find one.</Empty>
              </Route>
            </Switch>
          </Suspense>
        </Boundary>
      </AppShell.Main>
      <Palette places={places} signOut={signOut} />
    </AppShell>
  );
}

function isAt(location: string, path: string): boolean {
  return path === "/" ? location === "/" : location === path || location.startsWith(`${path}/`);
}

function nameOf(arn: string): string {
  return arn.split(/[:/]/).at(-1) ?? arn;
}
