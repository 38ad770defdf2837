// All addresses of pages, made in one place: paths below the base, with Jaeger's names for parameters.
import { boot } from './boot';

export interface SearchForm {
  service: string;
  operation: string;
  /** As typed: key=value key="two words". */
  tags: string;
  q: string;
  lookback: string;
  /** µs; used as they are when lookback is "custom", and kept otherwise for a link that shows the same tomorrow. */
  start: string;
  end: string;
  minDuration: string;
  maxDuration: string;
  limit: string;
  sort: string;
}

export const EMPTY: SearchForm = {
  service: '',
  operation: '',
  tags: '',
  q: '',
  lookback: '1h',
  start: '',
  end: '',
  minDuration: '',
  maxDuration: '',
  limit: '20',
  sort: '-start',
};

export function readSearch(params: URLSearchParams): SearchForm {
  const get = (name: keyof SearchForm) => params.get(name) ?? EMPTY[name];
  const operation = get('operation');
  return {
    service: get('service') === '-' ? '' : get('service'),
    operation: operation === 'all' ? '' : operation,
    tags: readTags(params),
    q: get('q'),
    lookback: params.get('lookback') ?? (params.get('start') ? 'custom' : EMPTY.lookback),
    start: get('start'),
    end: get('end'),
    minDuration: get('minDuration'),
    maxDuration: get('maxDuration'),
    limit: get('limit') || EMPTY.limit,
    sort: ['-start', 'start', '-duration', 'duration'].includes(get('sort')) ? get('sort') : EMPTY.sort,
  };
}

function readTags(params: URLSearchParams): string {
  const pairs: [string, string][] = [];
  for (const text of params.getAll('tags')) {
    try {
      const json: unknown = JSON.parse(text);
      if (typeof json !== 'object' || json === null || Array.isArray(json)) continue;
      for (const [key, value] of Object.entries(json)) pairs.push([key, String(value)]);
    } catch {
      return text;
    }
  }
  for (const text of params.getAll('tag')) {
    const at = text.indexOf(':');
    if (at > 0) pairs.push([text.slice(0, at), text.slice(at + 1)]);
  }
  return pairs.map(([key, value]) => `${quoted(key)}=${quoted(value)}`).join(' ');
}

export function quoted(text: string): string {
  return text !== '' && /^[^\s"=\\]+$/.test(text) ? text : `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/** Pairs of logfmt; a word without "=" is a key that is true. An unclosed quote is an error. */
export function parseTags(text: string): Record<string, string> {
  const out: Record<string, string> = Object.create(null) as Record<string, string>;
  const token = /\s*("(?:[^"\\]|\\.)*"|[^\s="]+)(?:=("(?:[^"\\]|\\.)*"|[^\s"]*))?(?=\s|$)/y;
  const plain = (part: string) => (part.startsWith('"') ? part.slice(1, -1).replace(/\\(.)/g, '$1') : part);
  const trimmed = text.trim();
  while (token.lastIndex < trimmed.length) {
    const at = token.lastIndex;
    const match = token.exec(trimmed);
    if (!match) throw new Error(`tags are written key=value, with quotes around blanks; not understood: ${trimmed.slice(at, at + 40)}`);
    out[plain(match[1]!)] = match[2] === undefined ? 'true' : plain(match[2]);
  }
  return { ...out };
}

/** The address of a search, as Jaeger writes it. */
export function searchUrl(form: Partial<SearchForm>, extra: Record<string, string> = {}): string {
  const params = new URLSearchParams();
  const put = (key: string, value: string | undefined) => {
    if (value) params.set(key, value);
  };
  put('end', form.end);
  put('limit', form.limit);
  put('lookback', form.lookback);
  put('maxDuration', form.maxDuration);
  put('minDuration', form.minDuration);
  put('operation', form.operation);
  put('q', form.q);
  put('service', form.service);
  if (form.sort && form.sort !== EMPTY.sort) put('sort', form.sort);
  put('start', form.start);
  if (form.tags?.trim()) {
    let tags = form.tags;
    try {
      tags = JSON.stringify(parseTags(form.tags));
    } catch {
      // what is not understood is kept as it was typed; the form says so
    }
    put('tags', tags);
  }
  for (const [key, value] of Object.entries(extra)) put(key, value);
  return `/search?${params.toString()}`;
}

/** What the search asks the server. */
export function searchQuery(form: SearchForm): URLSearchParams {
  const params = new URLSearchParams(searchUrl(form).slice('/search?'.length));
  params.delete('lookback');
  params.set('sort', form.sort);
  return params;
}

export function traceUrl(id: string, more: Record<string, string | undefined> = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(more)) if (value) params.set(key, value);
  const query = params.toString();
  return `/trace/${encodeURIComponent(id)}${query ? `?${query}` : ''}`;
}

/** Two traces beside each other, and those that either may be chosen from. */
export function compareUrl(a: string, b: string, cohort: string[] = []): string {
  const params = new URLSearchParams(cohort.map(id => ['cohort', id]));
  return `/trace/${encodeURIComponent(a)}...${encodeURIComponent(b)}${cohort.length > 0 ? `?${params.toString()}` : ''}`;
}

export function isTraceId(text: string): boolean {
  return /^[0-9a-f]{1,32}$/i.test(text);
}

/** The traces to choose from, those that are compared among them. */
export function readCohort(params: URLSearchParams, a: string, b: string): string[] {
  const ids = [...params.getAll('cohort'), a, b].map(id => id.trim().toLowerCase());
  return [...new Set(ids.filter(isTraceId))];
}

/** An id as it is compared: with or without zeros before it, it is the same. */
export function bareId(id: string): string {
  return id.toLowerCase().replace(/^0+(?=.)/, '');
}

export interface AskedTraces {
  ids: string[];
  /** By bare id: the spans to look at, as "uiFind" has them. */
  spans: Map<string, string>;
}

/** Traces that are asked for by their ids: `traceID=`, and `span=SPAN SPAN@TRACE` as Jaeger writes it. */
export function readAskedTraces(params: URLSearchParams): AskedTraces {
  const ids = new Set(params.getAll('traceID'));
  const spans = new Map<string, string>();
  for (const text of params.getAll('span')) {
    const [named = '', id = ''] = text.split('@');
    if (!isTraceId(id)) continue;
    ids.add(id);
    const known = spans.get(bareId(id));
    if (named.trim()) spans.set(bareId(id), known ? `${known} ${named.trim()}` : named.trim());
  }
  return { ids: [...ids], spans };
}

/** A page's address with the base before it: for plain links and new tabs. */
export function absolute(path: string): string {
  return `${boot().base}${path}`;
}

export function instanceUrl(instance: { namespace: string; name: string }): string {
  return `${boot().basePath}/ns/${encodeURIComponent(instance.namespace)}/${encodeURIComponent(instance.name)}/search`;
}

export function traceJsonUrl(id: string, raw: boolean): string {
  return absolute(`/api/traces/${encodeURIComponent(id)}?prettyPrint=true${raw ? '&raw=true' : ''}`);
}
