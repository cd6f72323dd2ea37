import { useMantineColorScheme } from "@mantine/core";
import { Spotlight, type SpotlightActionData } from "@mantine/spotlight";
import { IconApi, IconLogout, IconMoon, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { useCallAll } from "../gateway/hooks";
import { useSession } from "../gateway/session";
import type { Place } from "./places";
import { useDark } from "../parts/dark";

/** Everything by name: `/` or Ctrl-K. */
export function Palette({ places, signOut }: { places: Place[]; signOut: () => void }) {
  const [, go] = useLocation();
  const [opened, setOpened] = useState(false);
  const dark = useDark();
  const { setColorScheme } = useMantineColorScheme();
  const session = useSession();
  const apis = useCallAll<{ id: string; name: string }>("apigateway", "GetRestApis", { limit: 500 }, "items", undefined, {
    enabled: opened && session.services.includes("apigateway"),
  });
  const actions: { group: string; actions: SpotlightActionData[] }[] = [
    {
      group: "Screens",
      actions: places.map((place) => ({
        id: place.path, label: place.label, description: place.about, onClick: () => go(place.path),
        leftSection: <place.icon size={18} stroke={1.6} />,
      })),
    },
    {
      group: "REST APIs",
      actions: (apis.data ?? []).map((api) => ({
        id: `api-${api.id}`, label: api.name, description: api.id, onClick: () => go(`/apis/${api.id}`),
        leftSection: <IconApi size={18} stroke={1.6} />,
      })),
    },
    {
      group: "Do",
      actions: [
        {
          id: "colours", label: dark ? "Light colours" : "Dark colours", leftSection: <IconMoon size={18} stroke={1.6} />,
          onClick: () => setColorScheme(dark ? "light" : "dark"),
        },
        { id: "out", label: "Sign out", onClick: signOut, leftSection: <IconLogout size={18} stroke={1.6} /> },
      ],
    },
  ];
  return (
    <Spotlight
      actions={actions} shortcut={["mod + K", "/"]} limit={12} scrollable maxHeight={420} highlightQuery transitionProps={{ duration: 0 }}
      nothingFound="Nothing by that name" onSpotlightOpen={() => setOpened(true)}
      searchProps={{ leftSection: <IconSearch size={18} />, placeholder: "A screen, an API, something to do…", "aria-label": "Find" }}
    />
  );
}
