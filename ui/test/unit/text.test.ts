// Text, times, addresses and links: what strangers write, and what people read.
import { describe, expect, it } from 'vitest';
import { ApiError, messageOf, troubleOf } from '../../src/api/http';
import { basePath } from '../../src/boot';
import { fill } from '../../src/lib/links';
import { cut, pieces, visible } from '../../src/lib/text';
import { ago, duration, lookbackWords, parseDuration, parseLookback, percent, short } from '../../src/lib/time';
import { queryPlace, querySuggestions, tagPlace, tagSuggestions } from '../../src/pages/search/complete';
import { problems } from '../../src/pages/search/form';
import { linearTicks, logTicks, timeTicks } from '../../src/pages/search/ticks';
import { addressOf, SNIPPETS } from '../../src/pages/snippets';
import { rowAt, rowTop, totalHeight } from '../../src/parts/window';
import { compareUrl, EMPTY, parseTags, readAskedTraces, readCohort, readSearch, searchQuery, searchUrl } from '../../src/routes';
import { isTooDeep, readFile } from '../../src/trace/file.worker';
import { matches, parseWords } from '../../src/trace/words';
import { readUiConfig } from '../../src/uiconfig';

describe('text', () => {
  it('shows by name what cannot be seen', () => {
    expect(visible('a\u202Eb\u0000')).toBe('a⟨RLO⟩b⟨NUL⟩');
    expect(pieces('plain')).toEqual([{ text: 'plain', unseen: false }]);
    expect(visible('line\nnext\ttab')).toBe('line\nnext\ttab');
    expect(visible('👨‍👩‍👧')).toBe('👨‍👩‍👧');
  });
  it('is cut between characters', () => {
    expect(cut('ab😀cd', 3)).toBe('ab…');
    expect(cut('abc', 3)).toBe('abc');
  });
});

describe('times', () => {
  it.each([
    [0, '0 µs'],
    [950, '950 ns'],
    [1_500, '1.5 µs'],
    [999_999, '1 ms'],
    [1_720_000_000, '1.72 s'],
    [125e9, '2 m 5 s'],
    [3_600e9, '1 h'],
    [-2e6, '−2 ms'],
    [NaN, '–'],
  ])('%d ns is %s', (ns, text) => expect(duration(ns).replace(/\u00a0/g, ' ')).toBe(text));
  it.each([
    ['1.5s', 1.5e9],
    ['100ms', 1e8],
    ['1h2m', 3_720e9],
    ['5', null],
    ['5 s', null],
    ['', null],
    ['-1s', null],
  ])('the duration %s', (text, ns) => expect(parseDuration(text)).toBe(ns));
  it('knows lookbacks and shares', () => {
    expect([parseLookback('2d'), parseLookback('x')]).toEqual([172_800_000, null]);
    expect(['1h', '15m', '1d', '2w', 'x'].map(lookbackWords)).toEqual(['hour', '15 minutes', '24 hours', '2 weeks', 'x']);
    expect([percent(0), percent(0.0001), percent(0.5), short(12_345), short(999)]).toEqual(['0 %', '< 0.1 %', '50 %', '12.3k', '999']);
    expect([ago(0, 5_000), ago(10_000, 5_000)]).toEqual(['5 s ago', 'in the future']);
  });
});

describe('addresses', () => {
  it('of a search are those of Jaeger, there and back', () => {
    const form = {
      ...EMPTY,
      service: 'a&b',
      operation: 'GET /x',
      tags: 'http.status_code=500 msg="two words"',
      lookback: 'custom',
      start: '1',
      end: '2',
      minDuration: '1ms',
      limit: '5',
    };
    const url = searchUrl(form);
    expect(new URLSearchParams(url.split('?')[1]).get('tags')).toBe('{"http.status_code":"500","msg":"two words"}');
    expect(readSearch(new URLSearchParams(url.split('?')[1]))).toEqual(form);
  });
  it('reads spans of traces and traces to choose from, as Jaeger writes them', () => {
    const asked = readAskedTraces(new URLSearchParams('traceID=ab&span=1%202@00CD&span=3@cd&span=@ef&span=4@nothex'));
    expect(asked.ids).toEqual(['ab', '00CD', 'cd', 'ef']);
    expect([...asked.spans]).toEqual([['cd', '1 2 3']]);
    const cohort = readCohort(new URLSearchParams('cohort=C&cohort=a&cohort=%22'), 'a', 'b');
    expect(cohort).toEqual(['c', 'a', 'b']);
    expect(compareUrl('a', '', cohort)).toBe('/trace/a...?cohort=c&cohort=a&cohort=b');
    expect(compareUrl('a', 'b')).toBe('/trace/a...b');
  });
  it('of Kiali and of old Jaegers are understood', () => {
    const read = readSearch(
      new URLSearchParams(
        'service=reviews.bookinfo&start=1&end=2&limit=100&tags=%7B%22error%22%3A%22true%22%7D&operation=all&minDuration&tag=a:b:c',
      ),
    );
    expect(read).toMatchObject({
      service: 'reviews.bookinfo',
      operation: '',
      tags: 'error=true a=b:c',
      lookback: 'custom',
      minDuration: '',
    });
    expect(readSearch(new URLSearchParams('tags=[1]&sort=x&service=-'))).toMatchObject({ tags: '', sort: '-start', service: '' });
  });
  it('ask the server without a lookback, and always in an order', () => {
    const query = searchQuery({ ...EMPTY, service: 'a', start: '1', end: '2' });
    expect([query.get('lookback'), query.get('sort'), query.get('start')]).toEqual([null, '-start', '1']);
  });
  it('of the base are found without one', () => {
    expect(basePath('/jaeger/', '/jaeger/search')).toBe('/jaeger');
    expect(basePath('/', '/x/ns/a/b/trace/1')).toBe('/x/ns/a/b');
    expect(basePath(null, '/')).toBe('');
  });
  it('tags that are not understood are an error', () => {
    expect(parseTags('a=1 b c="x \\" y"')).toEqual({ a: '1', b: 'true', c: 'x " y' });
    expect(parseTags('__proto__=1').constructor).toBe(Object);
    expect(() => parseTags('a="open')).toThrow('not understood');
    expect(problems({ ...EMPTY, tags: '"', minDuration: '5', limit: '0', maxDuration: '1s' })).toMatchObject({
      minDuration: 'like 1.2s, 100ms',
      limit: 'a number',
    });
  });
  it('link patterns escape what they put in', () => {
    expect(fill('https://x/?q=#{a}&t=#{b | pad_start 4 0}', { a: 'x&y=<', b: '7' }, encodeURIComponent)).toBe(
      'https://x/?q=x%26y%3D%3C&t=0007',
    );
    expect(fill('#{missing}', {}, String)).toBeNull();
  });
  it('of receivers have the host of the page where theirs is any', () => {
    const grpc = { protocol: 'otlp-grpc', address: ':4317', tls: true };
    expect(addressOf(grpc, 'traces.example').url).toBe('https://traces.example:4317');
    expect(addressOf({ protocol: 'zipkin', address: '[::1]:9411', tls: false, path: '/api/v2/spans' }, 'h').url).toBe(
      'http://[::1]:9411/api/v2/spans',
    );
    const at = { grpc: addressOf(grpc, 'h'), http: null, zipkin: null, thrift: null, compact: null };
    for (const snippet of SNIPPETS) expect(snippet.text(at).length).toBeGreaterThan(20);
  });
});

describe('suggestions', () => {
  it('of tags follow the caret', () => {
    expect(tagPlace('a=1 htt', 7)).toMatchObject({ from: 4, word: 'htt' });
    expect(tagPlace('msg="two wo', 11)).toMatchObject({ key: 'msg', word: 'two wo' });
    expect(tagSuggestions('a=1 htt', 7, ['http.method', 'x'], [])[0]).toMatchObject({ value: 'a=1 http.method=', more: true });
    expect(tagSuggestions('k=', 2, [], ['two words'])[0]!.value).toBe('k="two words"');
  });
  it('of the language tell keys from values', () => {
    expect(queryPlace('a = 1 and http.m', 16).key).toBeUndefined();
    expect(queryPlace('kind = s', 8)).toMatchObject({ key: 'kind', word: 's' });
    expect(querySuggestions('kind = s', 8, [], [])[0]!.value).toBe('kind = server ');
    expect(querySuggestions('http.', 5, ['http.method'], [])[0]!.value).toBe('http.method ');
  });
});

describe('find', () => {
  it('knows and, not and phrases', () => {
    const words = parseWords('redis -slow "two words"');
    expect(words).toEqual([
      { text: 'redis', not: false },
      { text: 'slow', not: true },
      { text: 'two words', not: false },
    ]);
    expect(matches(words, ['redis get', 'has two words'])).toBe(true);
    expect(matches(words, ['redis slow', 'two words'])).toBe(false);
  });
});

describe('files', () => {
  it('that are broken, deep or something else are a message', () => {
    expect(readFile('{')).toMatchObject({ type: 'error' });
    expect(readFile('[1,2]')).toMatchObject({ type: 'traces', traces: [], leftOut: 2 });
    expect(isTooDeep('['.repeat(1_000_000))).toBe(true);
    expect(isTooDeep(`"${'['.repeat(1000)}"`)).toBe(false);
    expect(readFile('['.repeat(1_000_000))).toMatchObject({ type: 'error', message: expect.stringContaining('200 levels') });
    expect(readFile('{"resourceSpans":[]}')).toMatchObject({ type: 'otlp' });
    expect(readFile('{"resourceSpans":[1]}\n{"resourceSpans":[2]}\n')).toMatchObject({ type: 'otlp', text: '{"resourceSpans":[1,2]}' });
  });
});

describe('rows', () => {
  it('are found by height when some are taller', () => {
    const extra = { rows: [2, 5], heights: [100, 50] };
    expect(totalHeight(10, 20, extra)).toBe(350);
    for (let row = 0; row < 10; row++) expect(rowAt(rowTop(row, 20, extra) + 1, 10, 20, extra)).toBe(row);
    expect(rowAt(90, 10, 20, extra)).toBe(2);
    expect(rowAt(99_999, 10, 20, extra)).toBe(9);
  });
});

describe('ticks', () => {
  it('are round and within', () => {
    expect(linearTicks(0, 100, 5)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(logTicks(1, 1e9).length).toBeLessThan(10);
    const day = 86_400_000;
    for (const tick of timeTicks(day, 2 * day, 4)) expect(tick).toBeGreaterThanOrEqual(day);
    expect(linearTicks(0, 0, 5).length).toBeLessThan(101);
  });
});

describe("the UI's configuration", () => {
  it('is read as Jaeger reads it, whatever is in it', () => {
    const config = readUiConfig({
      menu: [
        { label: 'About', items: [{ label: 'Docs', url: 'https://x' }, { bad: 1 }] },
        { label: 'Home', url: '/', anchorTarget: '_self' },
        7,
      ],
      linkPatterns: [{ type: 'tags', key: 'a', url: 'u', text: 't' }, { key: ['a', 1], value: 2, url: 'u', text: 't' }, { type: 'x' }],
      search: { maxLookback: { label: '2 Days', value: '2d' }, maxLimit: 50 },
      dependencies: { menuEnabled: false },
      archiveEnabled: true,
      tracking: { gaID: 'UA-1' },
    });
    expect(config).toMatchObject({ maxLimit: 50, maxLookback: { value: '2d' }, dependencies: false, monitor: true, archive: true });
    expect(config.menu).toHaveLength(2);
    expect(config.linkPatterns).toEqual([
      { type: ['tags'], key: ['a'], value: null, url: 'u', text: 't' },
      { type: null, key: ['a'], value: [], url: 'u', text: 't' },
    ]);
    for (const value of [null, 1, [], 'x', { menu: {} }]) expect(readUiConfig(value).menu).toEqual([]);
  });
});

describe('failures', () => {
  it('are named by what one can do', () => {
    expect(messageOf('{"error":{"message":"no"}}')).toBe('no');
    expect(messageOf('{"errors":[{"msg":"trace not found"}]}')).toBe('trace not found');
    expect(messageOf('<html>')).toBe('');
    expect(troubleOf(503, 'nothing was found within query.search-timeout')).toBe('timeout');
    expect([
      troubleOf(503, 'x'),
      troubleOf(501, ''),
      troubleOf(404, ''),
      troubleOf(400, ''),
      troubleOf(500, ''),
      troubleOf(403, ''),
    ]).toEqual(['busy', 'off', 'missing', 'refused', 'server', 'forbidden']);
    expect(new ApiError('auth', 'x', 401).status).toBe(401);
  });
});
