// The skeleton of a trace in columns: typed arrays that are views of the bytes as they came, so that a trace of any size has no object
// for each of its spans. Its form is the server's `application/vnd.spoor.skeleton`.

export interface Columns {
  traceId: string;
  /** How many spans; each column has as many values. Spans stand sorted by start. */
  n: number;
  /** Nanoseconds since the epoch, of which `start` counts. */
  startUnixNano: bigint;
  start: Float64Array;
  duration: Float64Array;
  id: Uint8Array;
  parent: Int32Array;
  service: Uint32Array;
  operation: Uint32Array;
  resource: Uint32Array;
  kind: Uint8Array;
  flags: Uint8Array;
  services: string[];
  operations: string[];
  fingerprint: string;
  partial: string | null;
  archived: boolean;
}

export const NO_PARENT = -1;
export const LOST_PARENT = -2;

export const Flag = { error: 1, events: 2, links: 4, warnings: 8, remote: 16 } as const;
export const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

const MAGIC = 0x31435053; // "SPC1", little-endian
const MAX_HEADER = 64 << 20;

/** Reads a skeleton; what is not one is an error that says where it ended. */
export function decodeSkeleton(buffer: ArrayBuffer): Columns {
  const view = new DataView(buffer);
  if (buffer.byteLength < 8 || view.getUint32(0, true) !== MAGIC) throw new Error('the answer is not the skeleton of a trace');
  const headerLength = view.getUint32(4, true);
  if (headerLength > MAX_HEADER || 8 + headerLength > buffer.byteLength) throw new Error('the skeleton ends within its header');
  const header = readHeader(new Uint8Array(buffer, 8, headerLength));
  const { n } = header;
  let at = align(8 + headerLength);
  const take = (width: number): number => {
    const from = at;
    if (from + n * width > buffer.byteLength) throw new Error(`the skeleton ends within its columns, at byte ${buffer.byteLength}`);
    at = align(from + n * width);
    return from;
  };
  const columns: Columns = {
    ...header,
    start: new Float64Array(buffer, take(8), n),
    duration: new Float64Array(buffer, take(8), n),
    id: new Uint8Array(buffer, take(8), n * 8),
    parent: new Int32Array(buffer, take(4), n),
    service: new Uint32Array(buffer, take(4), n),
    operation: new Uint32Array(buffer, take(4), n),
    resource: new Uint32Array(buffer, take(4), n),
    kind: new Uint8Array(buffer, take(1), n),
    flags: new Uint8Array(buffer, take(1), n),
  };
  for (let i = 0; i < n; i++) {
    if (columns.service[i]! >= header.services.length || columns.operation[i]! >= header.operations.length || columns.parent[i]! >= n) {
      throw new Error(`span ${i} of the skeleton names something that is not in it`);
    }
  }
  return columns;
}

function readHeader(bytes: Uint8Array) {
  const json = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  const n = Number(json.spans);
  if (!Number.isSafeInteger(n) || n < 0) throw new Error(`the skeleton counts ${String(json.spans)} spans`);
  return {
    traceId: String(json.traceId ?? ''),
    n,
    startUnixNano: BigInt(String(json.startUnixNano ?? '0')),
    services: texts(json.services),
    operations: texts(json.operations),
    fingerprint: String(json.fingerprint ?? ''),
    partial: typeof json.partial === 'string' ? json.partial : null,
    archived: json.archived === true,
  };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function align(at: number): number {
  return (at + 7) & ~7;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function spanId(columns: Columns, i: number): string {
  let out = '';
  for (let at = i * 8; at < i * 8 + 8; at++) out += HEX[columns.id[at]!];
  return out;
}

/** The first span of this id, or -1. */
export function findSpan(columns: Columns, id: string): number {
  const wanted = id.toLowerCase().padStart(16, '0');
  if (!/^[0-9a-f]{16}$/.test(wanted)) return -1;
  const bytes = Uint8Array.from(wanted.match(/../g)!, pair => parseInt(pair, 16));
  next: for (let i = 0; i < columns.n; i++) {
    for (let k = 0; k < 8; k++) if (columns.id[i * 8 + k] !== bytes[k]) continue next;
    return i;
  }
  return -1;
}

export function serviceOf(columns: Columns, i: number): string {
  return columns.services[columns.service[i]!]!;
}

export function operationOf(columns: Columns, i: number): string {
  return columns.operations[columns.operation[i]!]!;
}

export function hasFlag(columns: Columns, i: number, flag: number): boolean {
  return (columns.flags[i]! & flag) !== 0;
}

/** From the first start (0) to the last end, in ns. */
export function traceDuration(columns: Columns): number {
  let end = 0;
  for (let i = 0; i < columns.n; i++) end = Math.max(end, columns.start[i]! + columns.duration[i]!);
  return end;
}
