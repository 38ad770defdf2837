// Jaeger's JSON of a trace, made into the same columns that the server sends: for files that a person opens here, and for servers that send
// no skeletons. Nothing in a file is believed: each member is checked, and a span that is none is counted and left out.
import type { Columns } from './columns';
import { Flag, KINDS, LOST_PARENT, NO_PARENT } from './columns';
import type { Process, Span, Tag } from '../api/types';

export interface Parsed {
  columns: Columns;
  /** Each span as the text of its JSON, with its process: details are read when they are looked at. */
  spans: string[];
  left_out: number;
}

type Raw = Record<string, unknown>;

const isRecord = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);

function tags(value: unknown): Tag[] {
  return list(value)
    .filter(isRecord)
    .map(tag => ({ key: text(tag.key), type: text(tag.type) || 'string', value: tag.value as Tag['value'] }));
}

/** One span of Jaeger's JSON with every member of the type that it should have, or nothing. */
export function readSpan(raw: unknown, traceId: string): Span | undefined {
  if (!isRecord(raw)) return undefined;
  const id = text(raw.spanID).toLowerCase();
  const startTime = Number(raw.startTime);
  if (!/^[0-9a-f]{1,16}$/.test(id) || !Number.isFinite(startTime)) return undefined;
  return {
    traceID: text(raw.traceID) || traceId,
    spanID: id.padStart(16, '0'),
    operationName: text(raw.operationName),
    references: list(raw.references)
      .filter(isRecord)
      .map(ref => ({ refType: text(ref.refType), traceID: text(ref.traceID), spanID: text(ref.spanID).toLowerCase().padStart(16, '0') })),
    startTime,
    duration: Math.max(0, Number(raw.duration) || 0),
    tags: tags(raw.tags),
    logs: list(raw.logs)
      .filter(isRecord)
      .map(log => ({ timestamp: Number(log.timestamp) || 0, fields: tags(log.fields) })),
    processID: text(raw.processID),
    warnings: list(raw.warnings).map(text),
    flags: Number(raw.flags) || 0,
  };
}

export function readProcess(raw: unknown): Process {
  return isRecord(raw) ? { serviceName: text(raw.serviceName), tags: tags(raw.tags) } : { serviceName: '', tags: [] };
}

export function tagText(tag: Tag | undefined): string {
  return tag === undefined ? '' : text(tag.value);
}

export function isError(span: Span): boolean {
  return span.tags.some(
    tag => (tag.key === 'error' && text(tag.value) === 'true') || (tag.key === 'otel.status_code' && text(tag.value) === 'ERROR'),
  );
}

/** All traces of `{"data":[…]}`, of a list of traces, or of one trace. */
export function tracesOf(json: unknown): unknown[] {
  if (isRecord(json) && Array.isArray(json.data)) return json.data;
  if (Array.isArray(json)) return json;
  if (isRecord(json) && Array.isArray(json.spans)) return [json];
  return [];
}

export function parseTrace(raw: unknown): Parsed | undefined {
  if (!isRecord(raw)) return undefined;
  const processes = isRecord(raw.processes) ? raw.processes : {};
  const spans: Span[] = [];
  let leftOut = 0;
  for (const item of list(raw.spans)) {
    const span = readSpan(item, text(raw.traceID));
    if (span) spans.push(span);
    else leftOut++;
  }
  if (spans.length === 0) return undefined;
  spans.sort((a, b) => a.startTime - b.startTime || (a.spanID < b.spanID ? -1 : 1));
  const traceId = (text(raw.traceID) || spans[0]!.traceID).toLowerCase();
  return { columns: toColumns(traceId, spans, processes), spans: spans.map(span => withProcess(span, processes)), left_out: leftOut };
}

function withProcess(span: Span, processes: Raw): string {
  return JSON.stringify({ ...span, process: readProcess(processes[span.processID]) });
}

function toColumns(traceId: string, spans: Span[], processes: Raw): Columns {
  const n = spans.length;
  const services = new Names();
  const operations = new Names();
  const resources = new Names();
  const first = spans[0]!.startTime;
  const position = new Map<string, number>();
  spans.forEach((span, i) => {
    if (!position.has(span.spanID)) position.set(span.spanID, i);
  });
  const columns: Columns = {
    traceId,
    n,
    startUnixNano: BigInt(Math.round(first)) * 1000n,
    start: new Float64Array(n),
    duration: new Float64Array(n),
    id: new Uint8Array(n * 8),
    parent: new Int32Array(n),
    service: new Uint32Array(n),
    operation: new Uint32Array(n),
    resource: new Uint32Array(n),
    kind: new Uint8Array(n),
    flags: new Uint8Array(n),
    services: services.list,
    operations: operations.list,
    fingerprint: 'local',
    partial: null,
    archived: false,
  };
  spans.forEach((span, i) => {
    columns.start[i] = (span.startTime - first) * 1000;
    columns.duration[i] = span.duration * 1000;
    for (let k = 0; k < 8; k++) columns.id[i * 8 + k] = parseInt(span.spanID.slice(k * 2, k * 2 + 2), 16);
    const same = span.references.filter(ref => sameTrace(ref.traceID, span.traceID));
    const reference = same.find(ref => ref.refType === 'CHILD_OF') ?? same[0];
    columns.parent[i] = reference ? (position.get(reference.spanID) ?? LOST_PARENT) : NO_PARENT;
    columns.service[i] = services.number(readProcess(processes[span.processID]).serviceName);
    columns.operation[i] = operations.number(span.operationName);
    columns.resource[i] = resources.number(span.processID);
    const kind = tagText(span.tags.find(tag => tag.key === 'span.kind'));
    columns.kind[i] = Math.max(0, (KINDS as readonly string[]).indexOf(kind));
    columns.flags[i] =
      (isError(span) ? Flag.error : 0) |
      (span.logs.length > 0 ? Flag.events : 0) |
      (span.references.length > (reference ? 1 : 0) ? Flag.links : 0) |
      (span.warnings.length > 0 ? Flag.warnings : 0);
  });
  for (let i = 0; i < n; i++) {
    const p = columns.parent[i]!;
    if (p >= 0 && columns.resource[p] !== columns.resource[i]) columns.flags[i]! |= Flag.remote;
  }
  return columns;
}

function sameTrace(a: string, b: string): boolean {
  return a === '' || a.toLowerCase().replace(/^0+/, '') === b.toLowerCase().replace(/^0+/, '');
}

class Names {
  list: string[] = [];
  private numbers = new Map<string, number>();
  number(name: string): number {
    let number = this.numbers.get(name);
    if (number === undefined) {
      number = this.list.length;
      this.list.push(name);
      this.numbers.set(name, number);
    }
    return number;
  }
}
