// What the pages ask, as functions of their arguments. Lists that may be null are lists here.
import { askJson, ask } from './http';
import type { Instance, Ledger, Link, Receiver, SearchAnswer, Series, Summary } from './types';

const strings = (value: unknown): string[] => (Array.isArray(value) ? value.filter(item => typeof item === 'string') : []);
const params = (values: Record<string, string | undefined>): URLSearchParams => {
  const out = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value !== undefined && value !== '') out.set(key, value);
  return out;
};

export async function services(signal?: AbortSignal): Promise<string[]> {
  const { body } = await askJson<{ data?: unknown }>('api/services', undefined, { signal });
  return strings(body.data).sort((a, b) => a.localeCompare(b));
}

export async function operations(service: string, signal?: AbortSignal): Promise<string[]> {
  const { body } = await askJson<{ data?: unknown }>(`api/services/${encodeURIComponent(service)}/operations`, undefined, { signal });
  return strings(body.data).sort((a, b) => a.localeCompare(b));
}

export async function search(query: URLSearchParams, signal?: AbortSignal): Promise<SearchAnswer> {
  const { body, partial } = await askJson<SearchAnswer>('api/v3/trace-summaries', query, { signal });
  const summaries = (Array.isArray(body.summaries) ? body.summaries : []).map(readSummary);
  return { summaries, next: typeof body.next === 'string' ? body.next : undefined, partial: partial ? { reason: partial } : undefined };
}

function readSummary(raw: Partial<Summary>): Summary {
  return {
    traceId: String(raw.traceId ?? ''),
    rootServiceName: String(raw.rootServiceName ?? ''),
    rootOperationName: String(raw.rootOperationName ?? ''),
    minStartTimeUnixNano: String(raw.minStartTimeUnixNano ?? '0'),
    maxEndTimeUnixNano: String(raw.maxEndTimeUnixNano ?? raw.minStartTimeUnixNano ?? '0'),
    spanCount: Number(raw.spanCount) || 0,
    errorSpanCount: Number(raw.errorSpanCount) || 0,
    orphanSpanCount: Number(raw.orphanSpanCount) || 0,
    services: (Array.isArray(raw.services) ? raw.services : []).map(each => ({
      name: String(each.name ?? ''),
      spanCount: Number(each.spanCount) || 0,
      errorSpanCount: Number(each.errorSpanCount) || 0,
    })),
  };
}

export async function tagKeys(service: string, operation: string, lookback: string, signal?: AbortSignal): Promise<string[]> {
  const { body } = await askJson<{ keys?: unknown }>('api/spoor/tag-keys', params({ service, operation, lookback }), { signal });
  return strings(body.keys);
}

export async function tagValues(service: string, key: string, lookback: string, signal?: AbortSignal): Promise<string[]> {
  const { body } = await askJson<{ values?: unknown }>('api/spoor/tag-values', params({ service, key, lookback }), { signal });
  return strings(body.values);
}

export interface Calls {
  links: Link[];
  partial: string | null;
}

/** Who calls whom, with what failed and how long it took, as far as the server counts that. */
export async function dependencies(endMs: number, lookbackMs: number, signal?: AbortSignal): Promise<Calls> {
  const range = params({ endTs: String(endMs), lookback: String(lookbackMs), details: 'true' });
  const { body, partial } = await askJson<{ data?: unknown }>('api/dependencies', range, { signal });
  return { links: (Array.isArray(body.data) ? body.data : []).map(readLink), partial };
}

function readLink(raw: Record<string, unknown>): Link {
  const duration = typeof raw.duration === 'object' && raw.duration !== null ? (raw.duration as Record<string, unknown>) : null;
  return {
    parent: String(raw.parent ?? ''),
    child: String(raw.child ?? ''),
    kind: typeof raw.kind === 'string' ? raw.kind : '',
    callCount: Number(raw.callCount) || 0,
    errorCount: raw.errorCount === undefined ? undefined : Number(raw.errorCount) || 0,
    p50Ns: duration ? Number(duration.p50) * 1000 : undefined,
    p95Ns: duration ? Number(duration.p95) * 1000 : undefined,
  };
}

export interface MetricsQuery {
  service: string;
  endMs: number;
  lookbackMs: number;
  stepMs: number;
  spanKind: string;
  quantile?: number;
  byOperation: boolean;
}

export async function metrics(name: 'latencies' | 'calls' | 'errors', query: MetricsQuery, signal?: AbortSignal): Promise<Series[]> {
  const { body } = await askJson<{ metrics?: unknown }>(
    `api/metrics/${name}`,
    params({
      service: query.service,
      quantile: query.quantile?.toString(),
      endTs: String(query.endMs),
      lookback: String(query.lookbackMs),
      step: String(query.stepMs),
      ratePer: String(Math.max(query.stepMs, 600_000)),
      spanKind: query.spanKind,
      groupByOperation: String(query.byOperation),
    }),
    { signal },
  );
  return (Array.isArray(body.metrics) ? body.metrics : []).map(readSeries);
}

interface RawSeries {
  labels?: { name: string; value: string }[];
  metricPoints?: { gaugeValue?: { doubleValue?: unknown }; timestamp?: string }[];
}

function readSeries(raw: RawSeries): Series {
  const points = (raw.metricPoints ?? []).map(point => {
    const value = Number(point.gaugeValue?.doubleValue ?? 0);
    return { t: Date.parse(point.timestamp ?? '') / 1000, v: Number.isFinite(value) ? value : null };
  });
  return { operation: raw.labels?.find(label => label.name === 'operation')?.value ?? '', points };
}

export async function instances(signal?: AbortSignal): Promise<Instance[]> {
  const { body } = await askJson<{ instances?: Instance[] }>('api/spoor/instances', undefined, { signal });
  return Array.isArray(body.instances) ? body.instances : [];
}

export async function ledger(signal?: AbortSignal): Promise<Ledger> {
  const { body } = await askJson<Partial<Ledger>>('api/spoor/ledger', undefined, { signal });
  const list = <T>(value: T[] | undefined): T[] => (Array.isArray(value) ? value : []);
  return {
    since: String(body.since ?? ''),
    here: body.here !== false,
    received: Number(body.received) || 0,
    durable: Number(body.durable) || 0,
    in_flight: Number(body.in_flight) || 0,
    refused: list(body.refused),
    set_aside: list(body.set_aside),
    lost: list(body.lost),
    turned_away: list(body.turned_away),
    examples: list(body.examples),
  };
}

export async function receivers(signal?: AbortSignal): Promise<Receiver[]> {
  const { body } = await askJson<{ receivers?: Receiver[] }>('api/spoor/receivers', undefined, { signal });
  return Array.isArray(body.receivers) ? body.receivers : [];
}

export async function demo(): Promise<{ traces: number; spans: number }> {
  const { body } = await askJson<{ traces: number; spans: number }>('api/spoor/demo', undefined, {
    method: 'POST',
    headers: { 'Spoor-Demo': '1' },
  });
  return body;
}

export async function archive(traceId: string): Promise<void> {
  await ask(`api/archive/${encodeURIComponent(traceId)}`, undefined, { method: 'POST' });
}

export async function transform(text: string): Promise<string> {
  const response = await ask('api/transform', undefined, { method: 'POST', body: text, timeoutMs: 120_000 });
  return response.text();
}
