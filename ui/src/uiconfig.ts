// The UI's configuration as Jaeger's file has it: menu, link patterns, limits of the search, which pages are shown. What is of another type
// than it should be is passed over; tracking is never done, whatever it says.

export interface MenuItem {
  label: string;
  url: string;
  newTab: boolean;
}
export interface Menu {
  label: string;
  items: MenuItem[];
}
export type LinkType = 'tags' | 'process' | 'logs' | 'traces';

/** Of types, keys and values null means any. */
export interface LinkPattern {
  type: string[] | null;
  key: string[] | null;
  value: string[] | null;
  url: string;
  text: string;
}
export interface UiConfig {
  menu: (Menu | MenuItem)[];
  linkPatterns: LinkPattern[];
  maxLookback: { label: string; value: string } | null;
  maxLimit: number;
  dependencies: boolean;
  monitor: boolean;
  archive: boolean | null;
}

type Json = Record<string, unknown>;
const record = (value: unknown): Json => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {});
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const isText = (value: unknown): value is string => typeof value === 'string';

export function readUiConfig(value: unknown): UiConfig {
  const json = record(value);
  const search = record(json.search);
  const lookback = record(search.maxLookback);
  return {
    menu: list(json.menu).flatMap(menuEntry),
    linkPatterns: list(json.linkPatterns).flatMap(pattern),
    maxLookback: isText(lookback.value) ? { label: isText(lookback.label) ? lookback.label : lookback.value, value: lookback.value } : null,
    maxLimit: typeof search.maxLimit === 'number' && search.maxLimit > 0 ? search.maxLimit : 0,
    dependencies: record(json.dependencies).menuEnabled !== false,
    monitor: record(json.monitor).menuEnabled !== false,
    archive: typeof json.archiveEnabled === 'boolean' ? json.archiveEnabled : null,
  };
}

function menuEntry(value: unknown): (Menu | MenuItem)[] {
  const json = record(value);
  if (!isText(json.label)) return [];
  const items = list(json.items)
    .flatMap(menuEntry)
    .filter((entry): entry is MenuItem => 'url' in entry);
  if (Array.isArray(json.items)) return [{ label: json.label, items }];
  return isText(json.url) ? [{ label: json.label, url: json.url, newTab: json.anchorTarget !== '_self' }] : [];
}

function pattern(value: unknown): LinkPattern[] {
  const json = record(value);
  const { url, text } = json;
  if (!isText(url) || !isText(text)) return [];
  return [{ type: oneOf(json.type), key: oneOf(json.key), value: oneOf(json.value), url, text }];
}

/** What may stand there: a text, one of several, or anything where nothing is said. What is neither fits nothing. */
function oneOf(value: unknown): string[] | null {
  return value === undefined || value === null ? null : (Array.isArray(value) ? value : [value]).filter(isText);
}
