/** Every screen: one row makes its address, its entry in the navigation and in the palette. */
import {
  IconActivity, IconApi, IconBolt, IconFileSearch, IconHistory, IconKey, IconMessageChatbot, IconShieldCheck, IconSparkles,
  type Icon,
} from "@tabler/icons-react";
import { lazy, type ComponentType, type LazyExoticComponent } from "react";

export type Place = {
  path: string;
  label: string;
  about: string;
  icon: Icon;
  group: string;
  /** The service that must be served for the screen to be of use. */
  needs?: string;
  page: LazyExoticComponent<ComponentType>;
};

export const PLACES: Place[] = [
  {
    path: "/", label: "Overview", group: "", icon: IconActivity, about: "Live traffic, latency and errors",
    page: lazy(() => import("../pages/overview/Overview")),
  },
  {
    path: "/apis", label: "REST APIs", group: "Build", icon: IconApi, needs: "apigateway",
    about: "Resources, methods, stages, deployments",
    page: lazy(() => import("../pages/apis/Apis")),
  },
];

export const GROUPS = [...new Set(PLACES.map((place) => place.group))];
void [IconBolt, IconFileSearch, IconHistory, IconKey, IconMessageChatbot, IconShieldCheck, IconSparkles];
