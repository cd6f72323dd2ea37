import { UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { useCall } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Code } from "../../parts/Code";
import { Empty } from "../../parts/Empty";
import { milliseconds } from "../../parts/figures";
import { Card, Page } from "../../parts/Page";
import { stepsOf, type Segment, type Step } from "./segments";

type Traced = { Traces: { Id: string; Duration?: number; Segments: { Id: string; Document: string }[] }[] };

/** A trace as a waterfall: what waited for what. */
export function TraceView({ id }: { id: string }) {
  const traces = useCall<Traced>("xray", "BatchGetTraces", { TraceIds: [id] });
  return (
    <Page title="Trace" trail={[{ label: "Traces", path: "/traces" }]} about={<span className="mono">{id}</span>}>
      <Answer of={traces}>
        {({ Traces }) => Traces[0]?.Segments.length
          ? <Waterfall steps={stepsOf(Traces[0].Segments.map((each) => each.Document))} />
          : <Card><Empty title="This trace is not kept any more">Traces are kept for a while only.</Empty></Card>}
      </Answer>
    </Page>
  );
}

function colorOf(segment: Segment, own: boolean): string {
  if (segment.fault) return "light-dark(#c92a2a, #ff8787)";
  if (segment.error) return "light-dark(#b35c00, #f0a94f)";
  return own ? "light-dark(#0b7285, #45a9b8)" : "light-dark(#6fbeca, #2a6f7c)";
}

function Waterfall({ steps }: { steps: Step[] }) {
  const [chosen, setChosen] = useState(0);
  const start = Math.min(...steps.map(({ segment }) => segment.start_time));
  const end = Math.max(...steps.map(({ segment }) => segment.end_time ?? segment.start_time), start + 1e-6);
  const at = (time: number) => ((time - start) / (end - start)) * 100;
  const shown = steps[chosen]!.segment;
  return (
    <div className="grid">
      <Card title={`${milliseconds(end - start)} in all`}>
        <ol aria-label="Steps" style={{ listStyle: "none", margin: 0, padding: 0 }}>
          {steps.map(({ segment, depth, own }, i) => {
            const last = segment.end_time ?? end;
            return (
              <li key={segment.id}>
                <UnstyledButton className="step" aria-pressed={i === chosen} onClick={() => setChosen(i)}>
                  <span className="step-name" style={{ paddingLeft: depth * 14 }}>{segment.name}</span>
                  <span className="step-bar" aria-hidden>
                    <span style={{ left: `${at(segment.start_time)}%`, width: `max(2px, ${at(last) - at(segment.start_time)}%)`, background: colorOf(segment, own) }} />
                  </span>
                  <span className="step-time tabular">{segment.in_progress ? "running" : milliseconds(last - segment.start_time)}</span>
                </UnstyledButton>
              </li>
            );
          })}
        </ol>
      </Card>
      <Card title={shown.name}>
        <Code label="The step" readOnly language="json" value={JSON.stringify({ ...shown, subsegments: undefined }, null, 2)} height="320px" />
      </Card>
    </div>
  );
}
