import { Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { useAct, useCallAll } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { NEXT, useCertificates, type DomainName } from "./types";

/** Custom domain names of all kinds of APIs. */
export function Names() {
  const names = useCallAll<DomainName>("apigatewayv2", "GetDomainNames", { MaxResults: "100" }, "Items", NEXT);
  const [adding, setAdding] = useState(false);
  return (
    <Card title="Domain names" flush actions={<Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Add a name</Button>}>
      <Answer of={names}>
        {(rows) => (
          <Rows
            label="domain names" rows={rows} id={(each) => each.DomainName} link={(each) => `/domains/name/${encodeURIComponent(each.DomainName)}`}
            empty={<Empty title="No name yet">A name such as api.example.com leads to stages of several APIs, each under a path of its own.</Empty>}
            columns={[
              { head: "Name", cell: (each) => each.DomainName, text: (each) => each.DomainName },
              { head: "TLS", cell: (each) => each.DomainNameConfigurations?.[0]?.SecurityPolicy ?? "–" },
              { head: "Certificate", cell: (each) => <span className="mono">{each.DomainNameConfigurations?.[0]?.CertificateArn?.split("/").at(-1) ?? "the listener’s"}</span> },
              { head: "Clients show a certificate", cell: (each) => each.MutualTlsAuthentication?.TruststoreUri ?? "no" },
            ]}
          />
        )}
      </Answer>
      {adding && <Add close={() => setAdding(false)} />}
    </Card>
  );
}

function Add({ close }: { close: () => void }) {
  const certificates = useCertificates();
  const [name, setName] = useState("");
  const [certificate, setCertificate] = useState<string | null>(null);
  const [trust, setTrust] = useState("");
  const [, go] = useLocation();
  const act = useAct();
  return (
    <Modal opened onClose={close} title="Add a domain name" size="lg" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        act.mutate({
          service: "apigatewayv2", operation: "CreateDomainName", then: () => go(`/domains/name/${encodeURIComponent(name)}`),
          params: {
            DomainName: name, DomainNameConfigurations: [{ CertificateArn: certificate ?? undefined, EndpointType: "REGIONAL" }],
            ...(trust ? { MutualTlsAuthentication: { TruststoreUri: trust } } : {}),
          },
        });
      }}>
        <TextInput label="Name" placeholder="api.example.com" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Select
          label="Certificate" required data={(certificates.data ?? []).map((each) => ({ value: each.CertificateArn, label: `${each.DomainName} (${each.CertificateArn.split("/").at(-1)})` }))}
          value={certificate} onChange={setCertificate} description="One of those under Certificates" searchable
        />
        <TextInput label="Trust store" description="s3://bucket/key of the authorities that clients’ certificates must come from; empty: clients show none" value={trust} onChange={(event) => setTrust(event.currentTarget.value)} classNames={{ input: "mono" }} />
        {act.error && <Wrong error={act.error} />}
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Add</Button></Group>
      </Stack>
    </Modal>
  );
}
