// A line about a trace, made of its columns: for traces of files, and for those asked by their ids.
import { askJson } from '../api/http';
import type { SearchAnswer, Summary } from '../api/types';
import { parseTrace, tracesOf } from './jaeger';
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

/** Lines about these traces; such as are not there are missing. */
export async function summariesOf(ids: string[], signal: AbortSignal): Promise<SearchAnswer> {
  const { body, partial } = await askJson<unknown>('api/traces', new URLSearchParams(ids.map(id => ['traceID', id])), { signal });
  const summaries = tracesOf(body).flatMap(raw => {
    const parsed = parseTrace(raw);
    return parsed ? [summarize(parsed.columns)] : [];
  });
  return { summaries, partial: partial ? { reason: partial } : undefined };
}
