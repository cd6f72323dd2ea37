/** What the portal answers. */

export type Session = {
  portal: { id: string; name: string; description: string; colors: Record<string, string> };
  signIn: boolean;
  who: { id: string; email: string; name: string; verified: boolean } | null;
  csrf: string | null;
  currency: string;
  overlapHours: number;
  languages: string[];
};

export type Price = { monthly: number; perCall: number; included: number; tiers: { perCall: number; upTo?: number }[] };

export type Plan = {
  usagePlanId: string; name: string; description: string; price: Price;
  throttle?: { rateLimit: number; burstLimit: number };
  quota?: { limit: number; period: string };
};

export type Deprecation = { since?: string; sunset?: string; successor?: string; documentation?: string };

export type Api = {
  api: string; stage: string; name: string; version: string; protocol: string;
  lifecycle: {
    state: string; deprecation?: Deprecation;
    owners?: { name: string; contact?: string }[];
    changelog?: { date: string; text: string; kind?: string; version?: string }[];
  };
};

export type Product = {
  id: string; name: string; description: string; approval: string | null; visibility: string | null;
  plans: Plan[];
  pages: { id: string; title: string; body: string }[];
  sections: { name: string; operations: { api: string; stage: string; method: string; path: string }[] }[];
  apis: Api[];
};

export type Key = { id: string; hint: string; created: number; expires?: number; ended?: number };

export type Subscription = {
  id: string; applicationId: string; application: string; productId: string; product: string; plan: string;
  price: Price; state: string; asked: number; reason: string; keys: Key[];
};

export type Application = { id: string; name: string; description: string; created: number };

export type Line = { subscription: string; application: string; product: string; plan: string; calls: number; included: number; fee: string; charge: string; amount: string };

export type Invoice = { number: string; month: string; currency: string; lines: Line[]; total: string; final: boolean };

export type Usage = { month: string; subscriptions: { subscription: string; application: string; product: string; plan: string; days: Record<string, number> }[] };
