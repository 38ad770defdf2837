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
export interface LinkPattern {
  type: 'tags' | 'process' | 'logs' | 'traces';
  key: string[];
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
  const key = (Array.isArray(json.key) ? json.key : [json.key]).filter(isText);
  const { type, url, text } = json;
  if ((type !== 'tags' && type !== 'process' && type !== 'logs' && type !== 'traces') || !isText(url) || !isText(text)) return [];
  return [{ type, key, url, text }];
}
