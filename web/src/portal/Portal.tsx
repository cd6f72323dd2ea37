import { ActionIcon, AppShell, Button, Center, Container, Group, Loader, Text, useMantineColorScheme } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { IconMoon, IconSun } from "@tabler/icons-react";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { Wrong } from "../parts/Answer";
import { useDark } from "../parts/dark";
import { Empty } from "../parts/Empty";
import { Boundary } from "../shell/Boundary";
import { ask, fresh, SessionContext, setCsrf } from "./ask";
import { ProductView } from "./ProductView";
import { Products } from "./Products";
import { SignIn } from "./SignIn";
import type { Session } from "./types";

const Reference = lazy(() => import("./Reference"));
const Applications = lazy(() => import("./Applications"));
const Usage = lazy(() => import("./Usage"));

const PLACES = [
  { path: "/", label: "Products", own: false },
  { path: "/applications", label: "Applications", own: true },
  { path: "/usage", label: "Usage and invoices", own: true },
];

/** The frame around every page, for visitors and for who is signed in. */
export function Portal() {
  const [session, setSession] = useState<Session | null>(null);
  const [trouble, setTrouble] = useState<Error | null>(null);
  const client = useQueryClient();
  const [location] = useLocation();
  const { setColorScheme } = useMantineColorScheme();
  const dark = useDark();

  const again = useCallback(async () => {
    try {
      const found = await ask<Session>("session");
      setCsrf(found.csrf);
      client.clear();
      document.documentElement.dataset.site = found.portal.name;
      setSession(found);
    } catch (error) {
      setTrouble(error as Error);
    }
  }, [client]);
  useEffect(() => void again(), [again]);

  async function leave() {
    await ask("session", "DELETE").catch(() => {});
    fresh.clear();
    await again();
  }

  if (trouble) return <Wrong error={trouble} />;
  if (!session) return <Center h="100vh"><Loader aria-label="Loading" /></Center>;
  const { portal, who } = session;
  const places = PLACES.filter((place) => who || !place.own);
  return (
    <SessionContext value={{ session, again }}>
      <AppShell padding="md" transitionDuration={0}>
        <a className="skip" href="#content">Skip to the content</a>
        <header className="top" style={{ borderTopColor: portal.colors.AccentColor }}>
          <Container size="xl">
            <Group justify="space-between" gap="sm" py={10}>
              <Link href="/" style={{ color: "inherit" }}><Text fw={650} size="lg">{portal.name}</Text></Link>
              <Group component="nav" gap={2} aria-label="Pages">
                {places.map((place) => (
                  <Link
                    key={place.path} href={place.path} className="nav-link" data-active={isAt(location, place.path) || undefined}
                    aria-current={isAt(location, place.path) ? "page" : undefined} style={{ color: "inherit" }}
                  >
                    {place.label}
                  </Link>
                ))}
              </Group>
              <Group gap={8}>
                <ActionIcon
                  variant="subtle" color="gray" aria-label={dark ? "Light colours" : "Dark colours"}
                  onClick={() => setColorScheme(dark ? "light" : "dark")}
                >
                  {dark ? <IconSun size={18} /> : <IconMoon size={18} />}
                </ActionIcon>
                {who && <Text size="sm" c="dimmed">{who.name || who.email}</Text>}
                {who && <Button size="xs" variant="default" onClick={leave}>Sign out</Button>}
                {!who && session.signIn && <Button size="xs" component={Link} href="/sign-in">Sign in</Button>}
              </Group>
            </Group>
          </Container>
        </header>
        <Container size="xl" component="main" id="content" tabIndex={-1} py="lg" style={{ outline: "none" }}>
          <Boundary key={location}>
            <Suspense fallback={<Loader size="sm" aria-label="Loading" />}>
              <Switch>
                <Route path="/"><Products /></Route>
                <Route path="/sign-in"><SignIn /></Route>
                <Route path="/products/:id">{({ id }) => <ProductView id={id} />}</Route>
                <Route path="/products/:id/:api/:stage/:operation?">
                  {({ id, api, stage, operation }) => (
                    <Reference product={id} api={api} stage={decodeURIComponent(stage)} operation={operation && decodeURIComponent(operation)} />
                  )}
                </Route>
                {who && <Route path="/applications"><Applications /></Route>}
                {who && <Route path="/usage"><Usage /></Route>}
                <Route>{who ? <Empty title="There is no such page" /> : <SignIn />}</Route>
              </Switch>
            </Suspense>
          </Boundary>
        </Container>
      </AppShell>
    </SessionContext>
  );
}

function isAt(location: string, path: string): boolean {
  return path === "/" ? location === "/" || location.startsWith("/products") : location.startsWith(path);
}
