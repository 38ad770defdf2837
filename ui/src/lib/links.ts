// Addresses: only http, https and mailto may be followed, whatever a span or a configuration says. Link patterns fill an address in with
// values of spans, each escaped.
import type { LinkPattern } from '../uiconfig';
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

export function traceLinks(patterns: LinkPattern[], values: Values): Filled[] {
  return patterns.filter(pattern => pattern.type === 'traces').flatMap(pattern => filled(pattern, values));
}

/** Links of one attribute: those whose pattern names its key; the values are those of the span and of its process. */
export function attributeLinks(patterns: LinkPattern[], type: LinkPattern['type'], tag: Tag, span: Detail): Filled[] {
  const mine = patterns.filter(pattern => pattern.type === type && pattern.key.includes(tag.key));
  if (mine.length === 0) return [];
  const values: Values = {};
  for (const each of [...span.process.tags, ...span.tags]) values[each.key] = String(each.value);
  values[tag.key] = String(tag.value);
  values.traceID = span.traceID;
  values.spanID = span.spanID;
  values.startTime = String(span.startTime);
  values.endTime = String(span.startTime + span.duration);
  values.duration = String(span.duration);
  values.operationName = span.operationName;
  values.serviceName = span.process.serviceName;
  return mine.flatMap(pattern => filled(pattern, values));
}

function filled(pattern: LinkPattern, values: Values): Filled[] {
  const address = fill(pattern.url, values, encodeURIComponent);
  const text = fill(pattern.text, values, value => value);
  const href = address === null ? null : safeHref(address);
  return href && text !== null ? [{ href, text }] : [];
}
