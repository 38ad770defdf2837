// Traces of files that a person opened: they live in this page until it is left, and nothing of them goes to the server but an OTLP file that
// has to be transformed. Reading is done in a worker, so that a huge file does not stop the page.
import { useSyncExternalStore } from 'react';
import { transform } from '../api/client';
import type { Summary } from '../api/types';
import { LocalSource } from './source';
import type { FromWorker, ToWorker } from './file.worker';
import { summarize } from './summary';

export const MAX_FILE_BYTES = 256 << 20;
export const MAX_OTLP_BYTES = 20 << 20;

const opened = new Map<string, LocalSource>();
let summaries: Summary[] = [];
const listeners = new Set<() => void>();

export function openedTrace(id: string): LocalSource | undefined {
  return opened.get(id.toLowerCase()) ?? opened.get(id.toLowerCase().replace(/^0+/, ''));
}

export function useOpened(): Summary[] {
  return useSyncExternalStore(
    listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => summaries,
  );
}

export function closeAll(): void {
  opened.clear();
  summaries = [];
  listeners.forEach(listener => listener());
}

/** Opens a file; how many traces it holds, and what of it was left out. Errors are sentences for people. */
export async function openFile(file: File): Promise<{ traces: number; leftOut: number }> {
  if (file.size > MAX_FILE_BYTES)
    throw new Error(`${file.name} has ${mib(file.size)}; files of at most ${mib(MAX_FILE_BYTES)} can be opened`);
  if (file.size === 0) throw new Error(`${file.name} is empty`);
  let text = await file.text();
  let answer = await parse(text);
  if (answer.type === 'otlp') {
    if (file.size > MAX_OTLP_BYTES)
      throw new Error(`${file.name} has ${mib(file.size)}; OTLP files of at most ${mib(MAX_OTLP_BYTES)} can be opened`);
    text = await transform(answer.text);
    answer = await parse(text);
  }
  if (answer.type === 'error') throw new Error(`${file.name}: ${answer.message}`);
  if (answer.type !== 'traces' || answer.traces.length === 0)
    throw new Error(`${file.name} holds no trace of Jaeger's JSON or of OTLP's JSON`);
  let leftOut = answer.leftOut;
  for (const parsed of answer.traces) {
    opened.set(parsed.columns.traceId, new LocalSource(parsed, false, true));
    leftOut += parsed.left_out;
  }
  summaries = [...opened.values()].map(source => summarize(source.columns));
  listeners.forEach(listener => listener());
  return { traces: answer.traces.length, leftOut };
}

function mib(bytes: number): string {
  return `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

function parse(text: string): Promise<FromWorker> {
  return new Promise(resolve => {
    const worker = new Worker(new URL('./file.worker.ts', import.meta.url), { type: 'module' });
    const done = (answer: FromWorker) => {
      clearTimeout(timer);
      worker.terminate();
      resolve(answer);
    };
    const timer = setTimeout(() => done({ type: 'error', message: 'reading it took longer than a minute' }), 60_000);
    worker.onmessage = (event: MessageEvent<FromWorker>) => done(event.data);
    worker.onerror = event => {
      event.preventDefault();
      done({ type: 'error', message: 'it cannot be read: it may be too large or nested too deeply' });
    };
    worker.postMessage({ text } satisfies ToWorker);
  });
}
