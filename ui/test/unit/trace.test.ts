// The skeleton's reader, the tree, times, groups and the comparison.
import { describe, expect, it } from 'vitest';
import {
  decodeSkeleton,
  findSpan,
  Flag,
  LOST_PARENT,
  NO_PARENT,
  operationOf,
  serviceOf,
  spanId,
  traceDuration,
  type Columns,
} from '../../src/trace/columns';
import { diffTraces } from '../../src/trace/diff';
import { callPaths, groupBy } from '../../src/trace/groups';
import { parseTrace } from '../../src/trace/jaeger';
import { summarize } from '../../src/trace/summary';
import { criticalPath, selfTimes } from '../../src/trace/times';
import { ancestors, buildTree, visibleRows } from '../../src/trace/tree';
// @ts-expect-error: plain JavaScript, shared with the fixture server
import { largeTrace, shopTrace, toJaeger } from '../fixture/shop.js';
// @ts-expect-error: plain JavaScript, shared with the fixture server
import { encodeSkeleton } from '../fixture/skeleton.js';

const span = (spanId: string, parentId: string, start: number, duration: number, more = {}) => ({
  traceId: 'ab'.repeat(16),
  spanId: spanId.padStart(16, '0'),
  parentId: parentId && parentId.padStart(16, '0'),
  service: 's',
  name: `op ${spanId}`,
  kind: 2,
  start,
  duration,
  error: false,
  tags: {},
  events: [],
  ...more,
});

function columnsOf(spans: unknown[]): Columns {
  return decodeSkeleton((encodeSkeleton(spans).bytes as Uint8Array).buffer as ArrayBuffer);
}

describe('skeleton', () => {
  it('is read as it was written', () => {
    const spans = shopTrace(12, 1_700_000_000_000_000);
    const columns = columnsOf(spans);
    expect(columns.n).toBe(spans.length);
    expect(columns.startUnixNano).toBe(1_700_000_000_000_000_000n);
    for (let i = 0; i < columns.n; i++) {
      const one = spans.find((each: { spanId: string }) => each.spanId === spanId(columns, i));
      expect([serviceOf(columns, i), operationOf(columns, i), columns.duration[i]]).toEqual([one.service, one.name, one.duration * 1000]);
      const parent = columns.parent[i]!;
      expect(parent < 0 ? '' : spanId(columns, parent)).toBe(one.parentId);
      expect(findSpan(columns, one.spanId)).toBe(i);
    }
  });
  it('tells a lost parent from none', () => {
    const columns = columnsOf([span('1', '', 0, 10), span('2', 'ff', 1, 5)]);
    expect([...columns.parent]).toEqual([NO_PARENT, LOST_PARENT]);
  });
  it('of no spans is empty', () => {
    const columns = columnsOf([]);
    expect([columns.n, traceDuration(columns), buildTree(columns).maxDepth]).toEqual([0, 0, 0]);
  });
  it('that is cut anywhere is an error and nothing else', () => {
    const bytes = encodeSkeleton(shopTrace(1, 1_000_000)).bytes as Uint8Array;
    for (let length = 0; length < bytes.length - 8; length += 3) expect(() => decodeSkeleton(bytes.slice(0, length).buffer)).toThrow();
  });
  it('whose numbers lead outside is an error', () => {
    const bytes = encodeSkeleton([span('1', '', 0, 10)]).bytes as Uint8Array;
    const header = 8 + new DataView(bytes.buffer).getUint32(4, true);
    const service = ((header + 7) & ~7) + 8 * 3 + 8;
    new DataView(bytes.buffer).setUint32(service, 7, true);
    expect(() => decodeSkeleton(bytes.buffer as ArrayBuffer)).toThrow('names something that is not in it');
  });
});

describe('tree', () => {
  it('has parents before children and siblings by start', () => {
    const tree = buildTree(columnsOf([span('1', '', 0, 100), span('2', '1', 20, 10), span('3', '1', 10, 5), span('4', '3', 11, 2)]));
    expect([...tree.order]).toEqual([0, 1, 2, 3]);
    expect([...tree.depth]).toEqual([0, 1, 2, 1]);
    expect([...tree.size]).toEqual([4, 2, 1, 1]);
    expect(ancestors(tree, 2)).toEqual([0, 1]);
  });
  it('opens circles, so that every span is shown once', () => {
    const columns = columnsOf([
      span('1', '3', 0, 10),
      span('2', '1', 1, 5),
      span('3', '2', 2, 5),
      span('4', '4', 3, 1),
      span('5', '2', 4, 1),
    ]);
    const tree = buildTree(columns);
    expect([...tree.order].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(tree.roots).toEqual([0, 3]);
  });
  it('hides what is below a closed span', () => {
    const tree = buildTree(columnsOf([span('1', '', 0, 100), span('2', '1', 10, 10), span('3', '2', 11, 2), span('4', '1', 30, 10)]));
    const collapsed = new Uint8Array(4);
    collapsed[1] = 1;
    expect([...visibleRows(tree, collapsed)]).toEqual([0, 1, 3]);
  });
  it('of a chain of 120,000 spans and of 120,000 siblings is built', () => {
    for (const parentOf of [(i: number) => i - 1, () => 0]) {
      const columns = columnsOf([span('1', '', 0, 10)]);
      const n = 120_000;
      const parent = Int32Array.from({ length: n }, (_, i) => (i === 0 ? -1 : parentOf(i)));
      const tree = buildTree({ ...columns, n, parent });
      expect(tree.order.length).toBe(n);
      expect(tree.size[0]).toBe(n);
    }
  });
});

describe('times', () => {
  it('own time is what no child covers, overlaps counted once', () => {
    const columns = columnsOf([span('1', '', 0, 100), span('2', '1', 10, 30), span('3', '1', 20, 40), span('4', '1', 90, 50)]);
    expect([...selfTimes(columns, buildTree(columns))]).toEqual([40_000, 30_000, 40_000, 50_000]);
  });
  it('the critical path leads back from the end through who ended last', () => {
    const columns = columnsOf([span('1', '', 0, 100), span('2', '1', 10, 30), span('3', '1', 20, 60), span('4', '3', 30, 10)]);
    const path = criticalPath(columns, buildTree(columns));
    const of = (i: number) => {
      const out: number[][] = [];
      for (let k = path.first[i]!; k >= 0; k = path.next[k]!) out.unshift([path.from[k]! / 1000, path.to[k]! / 1000]);
      return out;
    };
    expect(of(0)).toEqual([
      [80, 100],
      [0, 20],
    ]);
    expect(of(1)).toEqual([]);
    expect(of(2)).toEqual([
      [40, 80],
      [20, 30],
    ]);
    expect(of(3)).toEqual([[30, 40]]);
  });
  it('stretches of the critical path do not lie on each other and cover the root', () => {
    const columns = columnsOf(largeTrace(3000, 0));
    const path = criticalPath(columns, buildTree(columns));
    const all = path.from
      .map((from, k) => [from, path.to[k]!])
      .filter(([a, b]) => b! > a!)
      .sort((a, b) => a[0]! - b[0]!);
    for (let k = 1; k < all.length; k++) expect(all[k]![0]!).toBeGreaterThanOrEqual(all[k - 1]![1]!);
    expect(all.reduce((sum, [a, b]) => sum + b! - a!, 0)).toBeCloseTo(columns.duration[0]!, 3);
  });
});

describe('groups', () => {
  it('ways sum up to the trace', () => {
    const columns = columnsOf(largeTrace(2000, 0));
    const tree = buildTree(columns);
    const self = selfTimes(columns, tree);
    const paths = callPaths(columns, tree, self);
    expect(paths.count.reduce((a, b) => a + b)).toBe(2000);
    expect(paths.self.reduce((a, b) => a + b)).toBeCloseTo(
      self.reduce((a, b) => a + b),
      0,
    );
    paths.parent.forEach((up, p) => expect(up).toBeLessThan(p));
  });
  it('statistics know median, longest and errors', () => {
    const columns = columnsOf([1, 2, 3, 4, 5].map(n => span(String(n), '', n, n * 10, { error: n === 5 })));
    const [group] = groupBy(columns, selfTimes(columns, buildTree(columns)), columns.service, n => columns.services[n]!);
    expect(group).toMatchObject({ name: 's', count: 5, errors: 1, min: 10_000, max: 50_000, p50: 30_000, p95: 50_000, total: 150_000 });
  });
});

describe('comparison', () => {
  it('finds what only one trace does', () => {
    const a = columnsOf([
      span('1', '', 0, 100, { name: 'a' }),
      span('2', '1', 1, 10, { name: 'b' }),
      span('3', '1', 20, 10, { name: 'c' }),
    ]);
    const b = columnsOf([
      span('1', '', 0, 140, { name: 'a' }),
      span('2', '1', 1, 50, { name: 'b' }),
      span('4', '1', 60, 10, { name: 'd' }),
    ]);
    const rows = diffTraces(a, b);
    const find = (operation: string) => rows.find(row => row.operation === operation)!;
    expect(find('a').parent).toBe(-1);
    expect([find('b').a?.total, find('b').b?.total]).toEqual([10_000, 50_000]);
    expect([find('c').b, find('d').a]).toEqual([null, null]);
    rows.forEach((row, k) => expect(row.parent).toBeLessThan(k));
  });
});

describe("Jaeger's JSON", () => {
  it('makes the columns that the server would send', () => {
    const spans = shopTrace(4, 1_700_000_000_000_000);
    const parsed = parseTrace(toJaeger(spans))!;
    const sent = columnsOf(spans);
    for (const name of ['start', 'duration', 'id', 'parent', 'kind', 'flags'] as const)
      expect([...parsed.columns[name]], name).toEqual([...sent[name]]);
    expect(summarize(parsed.columns).spanCount).toBe(spans.length);
  });
  it('passes over what is no span, and counts it', () => {
    const good = toJaeger(shopTrace(4, 1_000_000));
    const spans = [
      null,
      7,
      { spanID: 'zz' },
      { spanID: '1', startTime: 'x' },
      ...good.spans,
      { ...good.spans[0], spanID: 'fe', tags: 'no', logs: { a: 1 }, references: [null], processID: 9 },
    ];
    const parsed = parseTrace({ ...good, spans, processes: null })!;
    expect([parsed.left_out, parsed.columns.n]).toEqual([4, good.spans.length + 1]);
  });
  it('of nothing is nothing', () => {
    for (const raw of [null, 1, 'x', [], {}, { spans: [] }, { spans: [{}] }]) expect(parseTrace(raw)).toBeUndefined();
  });
  it('error is a flag', () => {
    const parsed = parseTrace({ spans: [{ spanID: '1', startTime: 1, tags: [{ key: 'error', type: 'bool', value: true }] }] })!;
    expect(parsed.columns.flags[0]! & Flag.error).toBe(1);
  });
});
