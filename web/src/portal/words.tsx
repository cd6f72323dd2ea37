/** Prices, limits and notices, in words. */
import { Alert, Anchor, List, Text } from "@mantine/core";
import { count } from "../parts/figures";
import type { Deprecation, Plan, Price } from "./types";

export function money(amount: number, currency: string): string {
  return new Intl.NumberFormat("en", { style: "currency", currency, maximumFractionDigits: 6 }).format(amount);
}

export function priced(price: Price, currency: string): string {
  const said = price.monthly ? [`${money(price.monthly, currency)} a month`] : [];
  if (price.perCall) said.push(`${money(price.perCall, currency)} a call`);
  price.tiers.forEach((tier) => {
    said.push(`${money(tier.perCall, currency)} a call${tier.upTo ? ` up to ${count(tier.upTo)}` : " from there on"}`);
  });
  if (price.included) said.push(`${count(price.included)} calls included`);
  return said.length ? said.join(", ") : "Free";
}

export function limited(plan: Plan): string {
  const said = plan.throttle ? [`${plan.throttle.rateLimit} requests a second`] : [];
  if (plan.quota) said.push(`${count(plan.quota.limit)} requests a ${plan.quota.period.toLowerCase()}`);
  return said.join(", ") || "No limit";
}

/** What is to go, when, and what to use instead. */
export function Notice({ of, what, retired }: { of: Deprecation; what: string; retired?: boolean }) {
  return (
    <Alert color="orange" variant="light" title={retired ? `${what} is retired` : `${what} is deprecated`}>
      <List size="sm" listStyleType="none" spacing={2}>
        {of.since && <List.Item>Since {of.since.slice(0, 10)}</List.Item>}
        {of.sunset && <List.Item>Answers until <Text span fw={600} size="sm">{of.sunset.slice(0, 10)}</Text></List.Item>}
        {of.successor && <List.Item>Use <Anchor href={of.successor} size="sm" underline="always">{of.successor}</Anchor> instead</List.Item>}
        {of.documentation && <List.Item><Anchor href={of.documentation} size="sm" underline="always">Read about the change</Anchor></List.Item>}
      </List>
    </Alert>
  );
}
