// The ways to look at a trace.
export const VIEWS = [
  ['timeline', 'Timeline'],
  ['flame', 'Flame graph'],
  ['graph', 'Graph'],
  ['statistics', 'Statistics'],
  ['spans', 'Spans'],
  ['events', 'Events'],
  ['json', 'JSON'],
  ['rawjson', 'JSON, unadjusted'],
] as const;

export type View = (typeof VIEWS)[number][0];

export function isView(name: string): name is View {
  return VIEWS.some(([view]) => view === name);
}
