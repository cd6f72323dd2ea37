import { Button, Group, MultiSelect, NumberInput, SegmentedControl, Stack, TagsInput, Text } from "@mantine/core";
import { useState } from "react";
import { useAct, useCallAll } from "../../gateway/hooks";
import { useServed } from "../overview/Stages";
import type { Plan } from "../keys/types";
import type { Offer, OfferedPlan, Price } from "./types";

/** Which stages and plans, for whom, for how much. */
export function OfferForm({ product, offer }: { product: string; offer?: Offer }) {
  const served = useServed();
  const usagePlans = useCallAll<Plan>("apigateway", "GetUsagePlans", { limit: 500 }, "items");
  const [stages, setStages] = useState(offer?.stages ?? []);
  const [plans, setPlans] = useState<OfferedPlan[]>(offer?.plans ?? []);
  const [visibility, setVisibility] = useState(offer?.visibility ?? "private");
  const [approval, setApproval] = useState(offer?.approval ?? "manual");
  const [invited, setInvited] = useState(offer?.invited ?? []);
  const act = useAct();
  const choices = (served.data ?? []).map((each) => ({ value: `${each.api}/${each.stage}`, label: `${each.name} / ${each.stage}` }));
  const names = new Map((usagePlans.data ?? []).map((each) => [each.id, each.name]));
  const choose = (ids: string[]) =>
    setPlans(ids.map((id) => plans.find((each) => each.usagePlanId === id) ?? { usagePlanId: id, name: names.get(id) ?? id, price: {} }));
  const price = (id: string, change: Price) =>
    setPlans(plans.map((each) => (each.usagePlanId === id ? { ...each, price: { ...each.price, ...change } } : each)));
  return (
    <Stack component="form" onSubmit={(event) => {
      event.preventDefault();
      act.mutate({ service: "torana", operation: "PutOffer", params: { productId: product, stages, plans, visibility, approval, invited }, done: "The offer stands" });
    }}>
      <MultiSelect label="Stages" description="Whole stages; single operations are endpoint pages of the product" data={choices} value={stages} onChange={setStages} searchable />
      <MultiSelect label="Usage plans" data={[...names].map(([value, label]) => ({ value, label }))} value={plans.map((each) => each.usagePlanId)} onChange={choose} searchable />
      {plans.map((each) => (
        <fieldset key={each.usagePlanId} className="card" style={{ padding: 12, margin: 0 }}>
          <legend style={{ padding: "0 6px" }}>{each.name}</legend>
          <Group grow align="flex-end">
            <NumberInput label="A month" min={0} decimalScale={6} value={each.price?.monthly ?? 0} onChange={(value) => price(each.usagePlanId, { monthly: Number(value) })} />
            <NumberInput label="A call" min={0} decimalScale={9} disabled={(each.price?.tiers ?? []).length > 0} value={each.price?.perCall ?? 0} onChange={(value) => price(each.usagePlanId, { perCall: Number(value) })} />
            <NumberInput label="Calls included" min={0} allowDecimal={false} value={each.price?.included ?? 0} onChange={(value) => price(each.usagePlanId, { included: Number(value) })} />
          </Group>
          {(each.price?.tiers ?? []).length > 0 && <Text size="xs" c="dimmed" mt={6}>Calls are priced in {each.price!.tiers!.length} tiers.</Text>}
        </fieldset>
      ))}
      <div>
        <Text size="sm" fw={500} mb={4}>Seen by</Text>
        <SegmentedControl
          aria-label="Seen by" value={visibility} onChange={setVisibility}
          data={[{ value: "public", label: "Everybody" }, { value: "private", label: "Signed in" }, { value: "invitation", label: "Invited" }]}
        />
      </div>
      {visibility === "invitation" && <TagsInput label="Mail addresses" value={invited} onChange={setInvited} />}
      <div>
        <Text size="sm" fw={500} mb={4}>Approval</Text>
        <SegmentedControl
          aria-label="Approval" value={approval} onChange={setApproval} data={[{ value: "manual", label: "By an operator" }, { value: "automatic", label: "Automatic" }]}
        />
      </div>
      <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Save the offer</Button></Group>
    </Stack>
  );
}
