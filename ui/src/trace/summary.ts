// A line about a trace, made of its columns: for traces of files, and for those asked by their ids.
import type { Summary } from '../api/types';
import { Flag, LOST_PARENT, operationOf, serviceOf, traceDuration, type Columns } from './columns';

export function summarize(columns: Columns): Summary {
  const services = new Map<string, { name: string; spanCount: number; errorSpanCount: number }>();
  let errors = 0;
  let orphans = 0;
  let root = 0;
  for (let i = columns.n - 1; i >= 0; i--) {
    const name = serviceOf(columns, i);
    const service = services.get(name) ?? { name, spanCount: 0, errorSpanCount: 0 };
    services.set(name, service);
    service.spanCount++;
    if (columns.flags[i]! & Flag.error) {
      service.errorSpanCount++;
      errors++;
    }
    if (columns.parent[i] === LOST_PARENT) orphans++;
    if (columns.parent[i]! < 0) root = i;
  }
  return {
    traceId: columns.traceId,
    rootServiceName: columns.n ? serviceOf(columns, root) : '',
    rootOperationName: columns.n ? operationOf(columns, root) : '',
    minStartTimeUnixNano: String(columns.startUnixNano),
    maxEndTimeUnixNano: String(columns.startUnixNano + BigInt(Math.round(traceDuration(columns)))),
    spanCount: columns.n,
    errorSpanCount: errors,
    orphanSpanCount: orphans,
    services: [...services.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}
