import { Tabs } from "@mantine/core";
import { useLocation, useParams } from "wouter";
import { useSession } from "../../gateway/session";
import { Page } from "../../parts/Page";
import { Endpoints } from "./Endpoints";
import { Pictures } from "./Pictures";
import { Recordings } from "./Recordings";
import { Speech } from "./Speech";
import { Texts } from "./Texts";
import { Translation } from "./Translation";

const TABS = [
  { value: "text", label: "Text", service: "comprehend", view: Texts },
  { value: "translation", label: "Translation", service: "translate", view: Translation },
  { value: "speech", label: "Speech", service: "polly", view: Speech },
  { value: "pictures", label: "Pictures", service: "rekognition", view: Pictures },
  { value: "recordings", label: "Recordings", service: "transcribe", view: Recordings },
  { value: "endpoints", label: "Model endpoints", service: "sagemaker", view: Endpoints },
];

/** The AI services, tried on what one types or brings. */
export default function Ai() {
  const session = useSession();
  const [, go] = useLocation();
  const given = useParams<{ 0?: string; "*"?: string }>();
  const tabs = TABS.filter((tab) => session.services.includes(tab.service));
  const chosen = tabs.find((tab) => tab.value === given["*"]?.split("/")[0])?.value ?? tabs[0]?.value ?? null;
  return (
    <Page title="AI services" about="What models of this gateway make of a text, a picture, a recording">
      <Tabs value={chosen} onChange={(value) => go(`/ai/${value}`)} keepMounted={false}>
        <Tabs.List mb={14}>{tabs.map((tab) => <Tabs.Tab key={tab.value} value={tab.value}>{tab.label}</Tabs.Tab>)}</Tabs.List>
        {tabs.map((tab) => <Tabs.Panel key={tab.value} value={tab.value}><tab.view /></Tabs.Panel>)}
      </Tabs>
    </Page>
  );
}
