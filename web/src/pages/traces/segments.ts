/** Segments of a trace as one tree, in the order they began. */

export type Segment = {
  id: string; name: string; parent_id?: string; start_time: number; end_time?: number; in_progress?: boolean;
  error?: boolean; fault?: boolean; throttle?: boolean; origin?: string; namespace?: string;
  http?: { request?: { method?: string; url?: string }; response?: { status?: number } };
  aws?: Record<string, unknown>; annotations?: Record<string, unknown>; metadata?: Record<string, unknown>; cause?: unknown;
  subsegments?: Segment[];
};

export type Step = { segment: Segment; depth: number; own: boolean };

export function stepsOf(documents: string[]): Step[] {
  const segments = documents.map((text) => JSON.parse(text) as Segment);
  const known = new Set<string>();
  const below = new Map<string, Segment[]>();
  const look = (segment: Segment) => {
    known.add(segment.id);
    segment.subsegments?.forEach(look);
  };
  segments.forEach(look);
  const roots: Segment[] = [];
  for (const segment of segments) {
    if (segment.parent_id && known.has(segment.parent_id)) below.set(segment.parent_id, [...(below.get(segment.parent_id) ?? []), segment]);
    else roots.push(segment);
  }
  const steps: Step[] = [];
  const walk = (segment: Segment, depth: number, own: boolean) => {
    steps.push({ segment, depth, own });
    const children = [...(segment.subsegments ?? []).map((each) => [each, false] as const), ...(below.get(segment.id) ?? []).map((each) => [each, true] as const)];
    for (const [child, whole] of children.toSorted((a, b) => a[0].start_time - b[0].start_time)) walk(child, depth + 1, whole);
  };
  roots.toSorted((a, b) => a.start_time - b.start_time).forEach((segment) => walk(segment, 0, true));
  return steps;
}
