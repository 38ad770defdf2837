// What the server put into the page: its own element "spoor" (JSON), else the constants of a page of Jaeger's, which are read as text and
// never run. Without either the page starts with what every server has.
import { readUiConfig, type UiConfig } from './uiconfig';
import type { Instance } from './api/types';

export interface Boot {
  version: string;
  /** Where the page lies, with the instance's part, without a slash at the end: "", "/jaeger", "/jaeger/ns/shop/jaeger". */
  base: string;
  /** The same without the instance's part. */
  basePath: string;
  instance: Instance | null;
  uiConfig: UiConfig;
  archive: boolean;
  /** Whether the server counts calls; null where it did not say. */
  metrics: boolean | null;
  demo: boolean;
  maxTraces: number;
}

const PAGES = /\/(search|trace|dependencies|monitor|compare|deep-dependencies|where|welcome|quality-metrics)(\/|$)/;

export function readBoot(doc: Document, path: string): Boot {
  const base = basePath(doc.querySelector('base')?.getAttribute('href') ?? null, path);
  const json = parse(doc.getElementById('spoor')?.textContent ?? '') ?? jaegerConstants(doc.getElementById('jaeger')?.textContent ?? '');
  const capabilities = record(json.capabilities);
  const named = /^(.*)\/ns\/([^/]+)\/([^/]+)$/.exec(base);
  const given = record(json.instance);
  const instance =
    typeof given.namespace === 'string' && typeof given.name === 'string'
      ? { namespace: given.namespace, name: given.name }
      : named
        ? { namespace: named[2]!, name: named[3]! }
        : null;
  return {
    version: typeof json.version === 'string' ? json.version : '',
    base,
    basePath: typeof json.basePath === 'string' ? json.basePath.replace(/\/$/, '') : (named?.[1] ?? base),
    instance,
    uiConfig: readUiConfig(json.uiConfig),
    archive: capabilities.archiveStorage === true,
    metrics: typeof capabilities.metrics === 'boolean' ? capabilities.metrics : null,
    demo: capabilities.demo === true,
    maxTraces: Number(record(json.limits).maxTraces) || 1500,
  };
}

/** The base says where the page lies; one that was never filled in ("/") is worked out from where we are. */
export function basePath(href: string | null, path: string): string {
  if (href && href !== '/') return new URL(href, 'http://h').pathname.replace(/\/$/, '');
  const found = PAGES.exec(path);
  return found ? path.slice(0, found.index) : '';
}

function jaegerConstants(text: string): Record<string, unknown> {
  const constant = (name: string) => parse(new RegExp(`JAEGER_${name} = (.*);[ \\t]*$`, 'm').exec(text)?.[1] ?? '');
  const backend = constant('BACKEND_CAPABILITIES') ?? {};
  const storage = constant('STORAGE_CAPABILITIES') ?? {};
  const version = constant('VERSION')?.gitVersion;
  return {
    version: typeof version === 'string' ? version : '',
    uiConfig: constant('CONFIG'),
    capabilities: { archiveStorage: storage.archiveStorage, metrics: backend.metricsStorage },
  };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

let current: Boot | undefined;

export function boot(): Boot {
  current ??= readBoot(document, location.pathname);
  return current;
}
