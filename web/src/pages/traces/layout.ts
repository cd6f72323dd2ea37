/** Where services stand on the map: callers left of whom they call, each column from the top. */

type Figures = { TotalCount?: number; TotalResponseTime?: number; ErrorStatistics?: { TotalCount?: number }; FaultStatistics?: { TotalCount?: number } };

export type Service = {
  ReferenceId: number; Name?: string; Type?: string; Root?: boolean; SummaryStatistics?: Figures;
  Edges?: { ReferenceId: number; SummaryStatistics?: Figures }[];
};
export type Place = { service: Service; column: number; row: number };

export function laidOut(services: Service[]): Place[] {
  const by = new Map(services.map((each) => [each.ReferenceId, each]));
  const called = new Set(services.flatMap((each) => (each.Edges ?? []).map((edge) => edge.ReferenceId)));
  const column = new Map<number, number>();
  // The longest way from a service that nobody calls; a circle ends where it would begin again.
  const walk = (service: Service, depth: number, way: Set<number>) => {
    if (way.has(service.ReferenceId) || (column.get(service.ReferenceId) ?? -1) >= depth) return;
    column.set(service.ReferenceId, depth);
    for (const edge of service.Edges ?? []) {
      const next = by.get(edge.ReferenceId);
      if (next) walk(next, depth + 1, new Set(way).add(service.ReferenceId));
    }
  };
  for (const each of services) if (!called.has(each.ReferenceId)) walk(each, 0, new Set());
  for (const each of services) if (!column.has(each.ReferenceId)) walk(each, 0, new Set());
  const rows: number[] = [];
  return services.map((service) => {
    const at = column.get(service.ReferenceId)!;
    rows[at] = (rows[at] ?? -1) + 1;
    return { service, column: at, row: rows[at]! };
  });
}
