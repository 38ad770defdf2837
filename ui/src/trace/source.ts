// Where a trace comes from: the server (skeleton first, details as they are looked at) or a file that a person opened. Views know only this.
import { ask, askJson, isUnknownPath } from '../api/http';
import type { Detail, Span, Tag, TraceEvent } from '../api/types';
import { decodeSkeleton, spanId, type Columns } from './columns';
import { parseTrace, readProcess, readSpan, tagText, tracesOf, type Parsed } from './jaeger';
import { matches, parseWords } from './words';

/** An attribute's values, and for each span the number of its value, -1 for none. */
export interface AttributeColumn {
  values: string[];
  spans: Int32Array;
}
export interface AttributeKey {
  key: string;
  spans: number;
}
export interface EventPage {
  total: number;
  events: TraceEvent[];
}

export interface Source {
  columns: Columns;
  raw: boolean;
  /** Whether it is of a file, and nowhere on the server. */
  local: boolean;
  leftOut: number;
  /** At most MAX_DETAILS at once; spans that are not there any more are missing. */
  details(positions: number[], signal?: AbortSignal): Promise<Map<number, Detail>>;
  keys(signal?: AbortSignal): Promise<AttributeKey[]>;
  attribute(key: string, signal?: AbortSignal): Promise<AttributeColumn>;
  find(text: string, signal?: AbortSignal): Promise<number[]>;
  events(from: number, limit: number, signal?: AbortSignal): Promise<EventPage>;
}

export const MAX_DETAILS = 200;
const STALE = 'spans have arrived since this trace was loaded: load it again to look through all of them';

export async function openTrace(id: string, raw: boolean, signal?: AbortSignal): Promise<Source> {
  const path = `api/spoor/traces/${encodeURIComponent(id)}/skeleton`;
  try {
    const response = await ask(path, raw ? new URLSearchParams({ raw: 'true' }) : undefined, { signal });
    return new RemoteSource(decodeSkeleton(await response.arrayBuffer()), id, raw);
  } catch (error) {
    if (!isUnknownPath(error)) throw error;
    return openWhole(id, raw, signal);
  }
}

// a server that sends no skeletons
async function openWhole(id: string, raw: boolean, signal?: AbortSignal): Promise<Source> {
  const params = raw ? new URLSearchParams({ raw: 'true' }) : undefined;
  const { body, partial } = await askJson<unknown>(`api/traces/${encodeURIComponent(id)}`, params, { signal });
  const parsed = parseTrace(tracesOf(body)[0]);
  if (!parsed) throw new Error('the answer holds no spans');
  parsed.columns.partial = partial;
  return new LocalSource(parsed, raw, false);
}

class RemoteSource implements Source {
  readonly local = false;
  readonly leftOut = 0;
  constructor(
    readonly columns: Columns,
    private id: string,
    readonly raw: boolean,
  ) {}

  private async get<T>(name: string, values: [string, string][], signal?: AbortSignal): Promise<T> {
    const params = new URLSearchParams(values);
    if (this.raw) params.set('raw', 'true');
    const { body } = await askJson<T>(`api/spoor/traces/${encodeURIComponent(this.id)}/${name}`, params, { signal });
    // positions are of one order of spans; those of another would point at the wrong ones
    const { fingerprint } = body as { fingerprint?: string };
    if (fingerprint !== undefined && fingerprint !== this.columns.fingerprint) throw new Error(STALE);
    return body;
  }

  async details(positions: number[], signal?: AbortSignal): Promise<Map<number, Detail>> {
    const ids = positions.map(i => spanId(this.columns, i));
    const body = await this.get<{ data?: { spans?: unknown[]; processes?: Record<string, unknown> }[] }>(
      'spans',
      ids.map(id => ['id', id]),
      signal,
    );
    const byId = new Map<string, Detail[]>();
    for (const trace of body.data ?? []) {
      for (const item of trace.spans ?? []) {
        const span = readSpan(item, this.id);
        if (!span) continue;
        const detail = { ...span, process: readProcess(trace.processes?.[span.processID]) };
        byId.set(span.spanID, [...(byId.get(span.spanID) ?? []), detail]);
      }
    }
    const out = new Map<number, Detail>();
    positions.forEach((i, k) => {
      const detail = pick(byId.get(ids[k]!) ?? [], this.columns, i);
      if (detail) out.set(i, detail);
    });
    return out;
  }

  async keys(signal?: AbortSignal): Promise<AttributeKey[]> {
    const body = await this.get<{ keys?: AttributeKey[] }>('attributes', [], signal);
    return Array.isArray(body.keys) ? body.keys : [];
  }

  async attribute(key: string, signal?: AbortSignal): Promise<AttributeColumn> {
    const body = await this.get<{ values?: string[]; spans?: number[] }>('attribute', [['key', key]], signal);
    const spans = new Int32Array(this.columns.n).fill(-1);
    spans.set((body.spans ?? []).slice(0, this.columns.n));
    return { values: body.values ?? [], spans };
  }

  async find(text: string, signal?: AbortSignal): Promise<number[]> {
    const body = await this.get<{ spans?: number[] }>('find', [['text', text]], signal);
    return (body.spans ?? []).filter(i => Number.isInteger(i) && i >= 0 && i < this.columns.n);
  }

  async events(from: number, limit: number, signal?: AbortSignal): Promise<EventPage> {
    const range: [string, string][] = [
      ['from', String(from)],
      ['limit', String(limit)],
    ];
    const body = await this.get<Partial<EventPage>>('events', range, signal);
    return { total: Number(body.total) || 0, events: Array.isArray(body.events) ? body.events : [] };
  }
}

/** Of spans that share one id, the one of this start. */
function pick(details: Detail[], columns: Columns, i: number): Detail | undefined {
  if (details.length < 2) return details[0];
  const startUs = Number(columns.startUnixNano / 1000n) + columns.start[i]! / 1000;
  return details.reduce((best, each) => (Math.abs(each.startTime - startUs) < Math.abs(best.startTime - startUs) ? each : best));
}

export class LocalSource implements Source {
  readonly columns: Columns;
  readonly leftOut: number;
  private texts: string[];
  constructor(
    parsed: Parsed,
    readonly raw: boolean,
    readonly local: boolean,
  ) {
    this.columns = parsed.columns;
    this.leftOut = parsed.left_out;
    this.texts = parsed.spans;
  }

  private detail(i: number): Detail {
    return JSON.parse(this.texts[i]!) as Detail;
  }

  async details(positions: number[]): Promise<Map<number, Detail>> {
    return new Map(positions.map(i => [i, this.detail(i)]));
  }

  async keys(): Promise<AttributeKey[]> {
    const counts = new Map<string, number>();
    for (let i = 0; i < this.columns.n; i++) {
      const span = this.detail(i);
      for (const key of new Set([...span.tags, ...span.process.tags].map(tag => tag.key))) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const keys = [...counts].map(([key, spans]) => ({ key, spans }));
    return keys.sort((a, b) => b.spans - a.spans || (a.key < b.key ? -1 : 1)).slice(0, 1000);
  }

  async attribute(key: string): Promise<AttributeColumn> {
    const numbers = new Map<string, number>();
    const spans = new Int32Array(this.columns.n).fill(-1);
    for (let i = 0; i < this.columns.n; i++) {
      const span = this.detail(i);
      const tag = span.tags.find(each => each.key === key) ?? span.process.tags.find(each => each.key === key);
      if (!tag) continue;
      const value = tagText(tag);
      if (!numbers.has(value)) numbers.set(value, numbers.size);
      spans[i] = numbers.get(value)!;
    }
    return { values: [...numbers.keys()], spans };
  }

  async find(text: string): Promise<number[]> {
    const words = parseWords(text);
    const found: number[] = [];
    for (let i = 0; i < this.columns.n && words.length > 0; i++) if (matches(words, searchable(this.detail(i)))) found.push(i);
    return found;
  }

  async events(from: number, limit: number): Promise<EventPage> {
    const all: TraceEvent[] = [];
    for (let i = 0; i < this.columns.n; i++) {
      const span = this.detail(i);
      for (const log of span.logs) all.push(eventOf(span, log.timestamp, log.fields));
    }
    all.sort((a, b) => Number(BigInt(a.timeUnixNano) - BigInt(b.timeUnixNano)));
    return { total: all.length, events: all.slice(from, from + limit) };
  }
}

function eventOf(span: Span, timestamp: number, fields: Tag[]): TraceEvent {
  const named = fields.find(field => field.key === 'event');
  const attributes = fields.filter(field => field !== named);
  return { spanID: span.spanID, timeUnixNano: String(BigInt(Math.round(timestamp)) * 1000n), name: tagText(named), attributes };
}

function searchable(span: Detail): string[] {
  const tags = [...span.tags, ...span.process.tags, ...span.logs.flatMap(log => log.fields)];
  const texts = [span.process.serviceName, span.operationName, span.spanID];
  for (const tag of tags) texts.push(`${tag.key}=${tagText(tag)}`);
  return texts.map(text => text.toLowerCase());
}
