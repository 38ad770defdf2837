// Addresses: only http, https and mailto may be followed, whatever a span or a configuration says. Link patterns fill an address in with
// values of spans, each escaped.
import type { LinkPattern, LinkType } from '../uiconfig';
import type { Detail, Tag } from '../api/types';

/** The address, if it is one that may be followed. */
export function safeHref(address: string): string | null {
  if (address.length > 8192) return null;
  try {
    const url = new URL(address, document.baseURI);
    return url.protocol === 'http:' || url.protocol === 'https:' || url.protocol === 'mailto:' ? url.href : null;
  } catch {
    return null;
  }
}

/** A value that is itself an address. */
export function valueHref(value: string): string | null {
  return /^(https?:\/\/|mailto:)\S+$/i.test(value) ? safeHref(value) : null;
}

export type Values = Record<string, string>;

/** Fills `#{name}` in; nothing where a name has no value. */
export function fill(template: string, values: Values, encode: (text: string) => string): string | null {
  let missing = false;
  const out = template.replace(/#\{([^}]*)\}/g, (_, inner: string) => {
    const [name = '', ...filters] = inner.split('|').map(part => part.trim());
    const value = values[name];
    if (value === undefined) {
      missing = true;
      return '';
    }
    return encode(filters.reduce(format, value));
  });
  return missing ? null : out;
}

// the formatters that Jaeger's patterns know
function format(value: string, filter: string): string {
  const [name = '', ...args] = filter.split(/\s+/);
  switch (name) {
    case 'epoch_micros_to_date_iso': {
      const at = new Date(Number(value) / 1000);
      return Number.isNaN(at.getTime()) ? value : at.toISOString();
    }
    case 'pad_start':
      return value.padStart(Math.min(Number(args[0]) || 0, 256), args[1] ?? ' ');
    case 'add':
      return String(Number(value) + Number(args[0] ?? 0));
    default:
      return value;
  }
}

export interface Filled {
  href: string;
  text: string;
}

export function traceLinks(patterns: LinkPattern[], trace: Values): Filled[] {
  return patterns.filter(pattern => fits(pattern.type, 'traces')).flatMap(pattern => filled(pattern, trace));
}

/** Where the values of a pattern come from: a span and those above it, the nearest first, then its trace. */
export interface Scope {
  spans: Detail[];
  trace: Values;
}

/** Links of one of these attributes: values are those beside it, then those of its scope. */
export function attributeLinks(patterns: LinkPattern[], type: LinkType, tag: Tag, beside: Tag[], scope: Scope): Filled[] {
  const text = String(tag.value);
  const mine = patterns.filter(({ type: types, key, value }) => fits(types, type) && fits(key, tag.key) && fits(value, text));
  if (mine.length === 0) return [];
  const [span] = scope.spans;
  const values: Values = Object.create(null) as Values;
  if (span) {
    Object.assign(values, { spanID: span.spanID, operationName: span.operationName, serviceName: span.process.serviceName });
  }
  Object.assign(values, scope.trace);
  for (const each of [...scope.spans].reverse()) put(values, each.process.tags, each.tags);
  put(values, beside, [tag]);
  return mine.flatMap(pattern => filled(pattern, values));
}

function fits(wanted: string[] | null, text: string): boolean {
  return wanted === null || wanted.includes(text);
}

/** Where a link leads is for the pattern to say, and not for a value: such as begin with one are passed over. */
function isOfValue(template: string): boolean {
  return template.trimStart().startsWith('#{');
}

/** Of equal keys in a list the first one counts, of lists the last. */
function put(values: Values, ...lists: Tag[][]): void {
  for (const tags of lists) for (let k = tags.length - 1; k >= 0; k--) values[tags[k]!.key] = String(tags[k]!.value);
}

function filled(pattern: LinkPattern, values: Values): Filled[] {
  if (isOfValue(pattern.url)) return [];
  const address = fill(pattern.url, values, encodeURIComponent);
  const text = fill(pattern.text, values, value => value);
  const href = address === null ? null : safeHref(address);
  return href && text !== null ? [{ href, text }] : [];
}
