/** What the portal's operations answer. */

export type Portal = {
  PortalId: string; PortalArn: string; PublishStatus: string; IncludedPortalProductArns: string[]; LastPublished?: string;
  PortalContent: { DisplayName: string; Description?: string };
};
export type Product = { PortalProductId: string; PortalProductArn: string; DisplayName: string; Description?: string; LastModified: string };
export type Price = { monthly?: number; perCall?: number; included?: number; tiers?: { perCall: number; upTo?: number }[] };
export type OfferedPlan = { usagePlanId: string; name: string; description?: string; price?: Price };
export type Offer = { productId: string; stages?: string[]; plans?: OfferedPlan[]; visibility?: string; approval?: string; invited?: string[] };
export type Subscription = {
  id: string; email: string; application: string; product: string; plan: string; state: string; asked: number; reason?: string;
  keys?: { id: string; ended?: number }[];
};
export type Invoice = { number: string; email: string; currency: string; total: string; final: boolean; lines: { calls: number }[] };

export const V2 = ["NextToken", "NextToken"] as [string, string];
