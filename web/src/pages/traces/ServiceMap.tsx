import { useState } from "react";
import { useCall } from "../../gateway/hooks";
import { Answer } from "../../parts/Answer";
import { Empty } from "../../parts/Empty";
import { count, milliseconds, percent } from "../../parts/figures";
import { Card } from "../../parts/Page";
import { Rows } from "../../parts/Rows";
import { laidOut, type Place, type Service } from "./layout";

const COLUMN = 230;
const ROW = 96;
const RADIUS = 24;

/** X-Ray's service graph of the last hour: who called whom, how fast, how well. */
export function ServiceMap() {
  const [now] = useState(() => Date.now());
  const graph = useCall<{ Services: Service[] }>("xray", "GetServiceGraph", {
    StartTime: new Date(now - 3600_000).toISOString(), EndTime: new Date(now + 60_000).toISOString(),
  }, { refetchInterval: 15_000 });
  return (
    <Answer of={graph}>
      {({ Services }) => Services.length === 0 ? (
        <Card><Empty title="Nothing was traced in the last hour">Turn tracing on for a stage and call it.</Empty></Card>
      ) : (
        <div className="grid">
          <Card title="The last hour"><Drawn places={laidOut(Services)} /></Card>
          <Card title="Services" flush><List services={Services} /></Card>
        </div>
      )}
    </Answer>
  );
}

const nameOf = (service: Service) => service.Name ?? "client";

function Drawn({ places }: { places: Place[] }) {
  const by = new Map(places.map((place) => [place.service.ReferenceId, place]));
  const width = Math.max(...places.map((each) => each.column)) * COLUMN + 210;
  const height = Math.max(...places.map((each) => each.row)) * ROW + 100;
  const x = (place: Place) => place.column * COLUMN + 70;
  const y = (place: Place) => place.row * ROW + 40;
  const edges = places.flatMap((from) => (from.service.Edges ?? []).flatMap((edge) => {
    const to = by.get(edge.ReferenceId);
    return to && to !== from ? [{ from, to, edge }] : [];
  }));
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Map">
      <svg className="map" width={width} height={height} role="img" aria-label={edges.map(({ from, to }) => `${nameOf(from.service)} calls ${nameOf(to.service)}`).join(", ") || nameOf(places[0]!.service)}>
        {edges.map(({ from, to, edge }) => {
          const middle = (x(from) + x(to)) / 2;
          return (
            <g key={`${from.service.ReferenceId} ${to.service.ReferenceId}`}>
              <path d={`M ${x(from) + RADIUS} ${y(from)} C ${middle} ${y(from)}, ${middle} ${y(to)}, ${x(to) - RADIUS} ${y(to)}`} />
              <text x={middle} y={(y(from) + y(to)) / 2 - 5} textAnchor="middle">{count(edge.SummaryStatistics?.TotalCount ?? 0)}</text>
            </g>
          );
        })}
        {places.map((place) => (
          <g key={place.service.ReferenceId} transform={`translate(${x(place)} ${y(place)})`}>
            <Ring service={place.service} />
            <text textAnchor="middle" dy={4}>{took(place.service)}</text>
            <text textAnchor="middle" dy={RADIUS + 16} className="name">{short(nameOf(place.service))}<title>{nameOf(place.service)}</title></text>
          </g>
        ))}
      </svg>
    </div>
  );
}

/** A circle whose parts are what went well, was the caller's fault, and failed. */
function Ring({ service }: { service: Service }) {
  const { all, errors, faults } = figuresOf(service);
  const around = 2 * Math.PI * RADIUS;
  const part = (n: number) => (all ? (n / all) * around : 0);
  return (
    <>
      <circle r={RADIUS} className="well" />
      <circle r={RADIUS} className="error" strokeDasharray={`${part(errors)} ${around}`} transform="rotate(-90)" />
      <circle r={RADIUS} className="fault" strokeDasharray={`${part(faults)} ${around}`} strokeDashoffset={-part(errors)} transform="rotate(-90)" />
    </>
  );
}

function figuresOf({ SummaryStatistics: sums }: Service) {
  return {
    all: sums?.TotalCount ?? 0, errors: sums?.ErrorStatistics?.TotalCount ?? 0, faults: sums?.FaultStatistics?.TotalCount ?? 0,
    average: sums?.TotalCount ? (sums.TotalResponseTime ?? 0) / sums.TotalCount : null,
  };
}

function took(service: Service): string {
  const { average } = figuresOf(service);
  return average === null ? "" : average < 0.01 ? "<10 ms" : `${Math.round(average * 1000)} ms`;
}

const short = (name: string) => (name.length > 26 ? `${name.slice(0, 25)}…` : name);

function List({ services }: { services: Service[] }) {
  return (
    <Rows
      label="services" rows={services} id={(each) => String(each.ReferenceId)}
      columns={[
        { head: "Name", cell: nameOf, text: nameOf },
        { head: "Kind", cell: (each) => <span className="mono">{each.Type ?? "–"}</span>, text: (each) => each.Type ?? "" },
        { head: "Requests", right: true, cell: (each) => count(figuresOf(each).all) },
        { head: "Callers’ errors", right: true, cell: (each) => percent(figuresOf(each).errors / (figuresOf(each).all || 1)) },
        { head: "Faults", right: true, cell: (each) => percent(figuresOf(each).faults / (figuresOf(each).all || 1)) },
        { head: "Average", right: true, cell: (each) => milliseconds(figuresOf(each).average) },
      ]}
    />
  );
}
