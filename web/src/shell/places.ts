/** Every screen: one row makes its address, its entry in the navigation and in the palette. */
import {
  IconActivity, IconApi, IconBolt, IconCoin, IconHistory, IconKey, IconMessageChatbot, IconShieldCheck, IconSparkles,
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
  {
    path: "/keys", label: "Keys and plans", group: "Build", icon: IconKey, needs: "apigateway",
    about: "API keys, usage plans, what was used",
    page: lazy(() => import("../pages/keys/Keys")),
  },
  {
    path: "/functions", label: "Functions", group: "Build", icon: IconBolt, needs: "lambda",
    about: "Code, settings, test calls and their log",
    page: lazy(() => import("../pages/functions/Functions")),
  },
  {
    path: "/ai", label: "AI services", group: "AI", icon: IconSparkles, needs: "comprehend",
    about: "Try text, translation, speech, pictures, recordings",
    page: lazy(() => import("../pages/ai/Ai")),
  },
  {
    path: "/playground", label: "LLM playground", group: "AI", icon: IconMessageChatbot,
    about: "Models side by side, as their answers come",
    page: lazy(() => import("../pages/llm/Playground")),
  },
  {
    path: "/spend", label: "LLM keys and spend", group: "AI", icon: IconCoin,
    about: "Virtual keys, teams, budgets, costs",
    page: lazy(() => import("../pages/llm/Spend")),
  },
  {
    path: "/waf", label: "Web ACLs", group: "Secure", icon: IconShieldCheck, needs: "wafv2",
    about: "Rules, guarded stages, samples",
    page: lazy(() => import("../pages/waf/Waf")),
  },
  {
    path: "/audit", label: "Audit", group: "Secure", icon: IconHistory, needs: "cloudtrail",
    about: "Who changed what, before and after",
    page: lazy(() => import("../pages/audit/Audit")),
  },
];

export const GROUPS = [...new Set(PLACES.map((place) => place.group))];
