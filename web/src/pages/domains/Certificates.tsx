import { ActionIcon, Badge, Button, Group, Modal, Stack, Textarea } from "@mantine/core";
import { IconTrash, IconUpload } from "@tabler/icons-react";
import { useState } from "react";
import { base64 } from "../../gateway/base64";
import { useAct } from "../../gateway/hooks";
import { Answer, Wrong } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { When } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { useCertificates } from "./types";

/** What names show when TLS begins. */
export function Certificates() {
  const certificates = useCertificates();
  const [adding, setAdding] = useState(false);
  const act = useAct();
  return (
    <Card title="Certificates" flush actions={<Button size="xs" leftSection={<IconUpload size={14} />} onClick={() => setAdding(true)}>Import a certificate</Button>}>
      <Answer of={certificates}>
        {(rows) => (
          <Rows
            label="certificates" rows={rows} id={(each) => each.CertificateArn}
            empty={<Empty title="No certificate yet">Import one, or order one through ACME with RequestCertificate.</Empty>}
            columns={[
              { head: "For", cell: (each) => each.DomainName ?? "–", text: (each) => each.DomainName ?? "" },
              { head: "ARN", cell: (each) => <span className="mono">{each.CertificateArn}</span>, text: (each) => each.CertificateArn },
              { head: "State", cell: (each) => <Badge color={each.Status === "ISSUED" ? "teal" : "gray"}>{each.Status ?? "–"}</Badge> },
              { head: "Until", cell: (each) => <When at={each.NotAfter} /> },
              { head: "Act", quiet: true, right: true, cell: (each) => (
                <ActionIcon variant="subtle" color="gray" aria-label={`Delete the certificate for ${each.DomainName}`} onClick={() => act.mutate({
                  service: "acm", operation: "DeleteCertificate", params: { CertificateArn: each.CertificateArn }, done: "The certificate was deleted",
                })}>
                  <IconTrash size={15} />
                </ActionIcon>
              ) },
            ]}
          />
        )}
      </Answer>
      {adding && <Import close={() => setAdding(false)} />}
    </Card>
  );
}

function Import({ close }: { close: () => void }) {
  const [certificate, setCertificate] = useState("");
  const [key, setKey] = useState("");
  const [chain, setChain] = useState("");
  const act = useAct();
  return (
    <Modal opened onClose={close} title="Import a certificate" size="lg" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack component="form" onSubmit={(event) => {
        event.preventDefault();
        act.mutate({
          service: "acm", operation: "ImportCertificate", done: "The certificate was imported", then: close,
          params: { Certificate: base64(certificate), PrivateKey: base64(key), CertificateChain: chain.trim() ? base64(chain) : undefined },
        });
      }}>
        <Textarea label="Certificate" description="PEM" required rows={5} value={certificate} onChange={(event) => setCertificate(event.currentTarget.value)} classNames={{ input: "mono" }} data-autofocus />
        <Textarea label="Private key" description="PEM; kept sealed, and never shown again" required rows={5} value={key} onChange={(event) => setKey(event.currentTarget.value)} classNames={{ input: "mono" }} />
        <Textarea label="Chain" description="PEM of the authorities between, if any" rows={4} value={chain} onChange={(event) => setChain(event.currentTarget.value)} classNames={{ input: "mono" }} />
        {act.error && <Wrong error={act.error} />}
        <Group justify="flex-end"><Button type="submit" loading={act.isPending}>Import</Button></Group>
      </Stack>
    </Modal>
  );
}
