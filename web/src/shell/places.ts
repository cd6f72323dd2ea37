/** Every screen: one row makes its address, its entry in the navigation and in the palette. */
import {
  IconActivity, IconApi, IconBolt, IconBuildingStore, IconChartLine, IconCoin, IconFileSearch, IconRoute, IconTemplate, IconTimeline, IconUsers, IconHistory, IconKey, IconMessageChatbot, IconReceipt, IconShieldCheck, IconSparkles, IconWorld,
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
    path: "/http", label: "HTTP and sockets", group: "Build", icon: IconRoute, needs: "apigatewayv2",
    about: "Routes, stages, CORS",
    page: lazy(() => import("../pages/http/HttpApis")),
  },
  {
    path: "/domains", label: "Domains and links", group: "Build", icon: IconWorld, needs: "apigatewayv2",
    about: "Custom domain names, certificates, VPC links",
    page: lazy(() => import("../pages/domains/Domains")),
  },
  {
    path: "/keys", label: "Keys and plans", group: "Build", icon: IconKey, needs: "apigateway",
    about: "API keys, usage plans, what was used",
    page: lazy(() => import("../pages/keys/Keys")),
  },
  {
    path: "/portals", label: "Developer portal", group: "Build", icon: IconBuildingStore, needs: "apigatewayv2",
    about: "Products for developers outside, subscriptions, invoices",
    page: lazy(() => import("../pages/portals/Portals")),
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
    path: "/prompts", label: "Prompts", group: "AI", icon: IconTemplate, needs: "bedrock-agent",
    about: "Templates for models, in versions",
    page: lazy(() => import("../pages/prompts/Prompts")),
  },
  {
    path: "/metrics", label: "Metrics and alarms", group: "Observe", icon: IconChartLine, needs: "cloudwatch",
    about: "CloudWatch metrics drawn, alarms",
    page: lazy(() => import("../pages/metrics/Metrics")),
  },
  {
    path: "/costs", label: "Costs", group: "Observe", icon: IconReceipt, needs: "ce",
    about: "What everything served costs, budgets, forecasts",
    page: lazy(() => import("../pages/costs/Costs")),
  },
  {
    path: "/logs", label: "Logs", group: "Observe", icon: IconFileSearch, needs: "logs",
    about: "Log groups searched, followed, queried",
    page: lazy(() => import("../pages/logs/Logs")),
  },
  {
    path: "/traces", label: "Traces", group: "Observe", icon: IconTimeline, needs: "xray",
    about: "Requests step by step, as waterfalls",
    page: lazy(() => import("../pages/traces/Traces")),
  },
  {
    path: "/users", label: "Users and roles", group: "Secure", icon: IconUsers, needs: "iam",
    about: "Access keys and policies",
    page: lazy(() => import("../pages/users/Users")),
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
