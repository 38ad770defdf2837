// Reads a file in a worker: finds out what it is, and makes columns of it. Bounded in depth, traces and spans; what is broken is a message.
import { parseTrace, tracesOf, type Parsed } from './jaeger';

export interface ToWorker {
  text: string;
}
export type FromWorker =
  { type: 'traces'; traces: Parsed[]; leftOut: number } | { type: 'otlp'; text: string } | { type: 'error'; message: string };

export const MAX_DEPTH = 200;
const MAX_SPANS = 2_000_000;
const MAX_TRACES = 5_000;

/** How deep brackets are nested, without reading further than the bound; brackets within strings do not count. */
export function isTooDeep(text: string, max = MAX_DEPTH): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (quoted) {
      if (c === 92) i++;
      else if (c === 34) quoted = false;
    } else if (c === 34) quoted = true;
    else if (c === 123 || c === 91) {
      if (++depth > max) return true;
    } else if (c === 125 || c === 93) depth--;
  }
  return false;
}

export function readFile(text: string): FromWorker {
  if (isTooDeep(text)) return { type: 'error', message: `it is nested more than ${MAX_DEPTH} levels deep` };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const lines = readLines(text);
    if (lines) return { type: 'otlp', text: JSON.stringify({ resourceSpans: lines }) };
    return { type: 'error', message: `it is not JSON: ${(error as Error).message.slice(0, 200)}` };
  }
  if (typeof json === 'object' && json !== null && 'resourceSpans' in json) return { type: 'otlp', text };
  const traces: Parsed[] = [];
  let leftOut = 0;
  let spans = 0;
  for (const raw of tracesOf(json)) {
    const parsed = traces.length < MAX_TRACES && spans < MAX_SPANS ? parseTrace(raw) : undefined;
    if (parsed) {
      traces.push(parsed);
      spans += parsed.columns.n;
    } else leftOut++;
  }
  return { type: 'traces', traces, leftOut };
}

// one OTLP message a line, as an OpenTelemetry Collector writes files
function readLines(text: string): unknown[] | undefined {
  const out: unknown[] = [];
  for (const line of text.split('\n')) {
    if (!line.trim()) continue;
    try {
      const json = JSON.parse(line) as { resourceSpans?: unknown[] };
      if (!Array.isArray(json.resourceSpans)) return undefined;
      for (const each of json.resourceSpans) out.push(each);
    } catch {
      return undefined;
    }
  }
  return out.length > 0 ? out : undefined;
}

const inWorker = typeof document === 'undefined' && typeof postMessage === 'function' && typeof self !== 'undefined';
if (inWorker) {
  self.onmessage = (event: MessageEvent<ToWorker>) => {
    let answer: FromWorker;
    try {
      answer = readFile(event.data.text);
    } catch (error) {
      answer = { type: 'error', message: `it cannot be read: ${(error as Error).message.slice(0, 200)}` };
    }
    self.postMessage(answer);
  };
}
