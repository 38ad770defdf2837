// A trace summed up: spans that were reached by the same way (flame graph, trace graph), and spans that are alike in something (statistics).
import { Flag, type Columns } from './columns';
import type { Tree } from './tree';

/** Ways through a trace: all spans that have the same service, operation and way from the root are one. In the order in which they were met. */
export interface Paths {
  parent: number[];
  service: number[];
  operation: number[];
  depth: number[];
  count: number[];
  errors: number[];
  /** Sums of durations and of own times, ns. */
  total: number[];
  self: number[];
  /** One span of each. */
  example: number[];
  /** The path of each span. */
  of: Int32Array;
}

export function callPaths(columns: Columns, tree: Tree, self: Float64Array): Paths {
  const paths: Paths = {
    parent: [],
    service: [],
    operation: [],
    depth: [],
    count: [],
    errors: [],
    total: [],
    self: [],
    example: [],
    of: new Int32Array(columns.n),
  };
  const known = new Map<string, number>();
  for (const i of tree.order) {
    const up = tree.parent[i]! >= 0 ? paths.of[tree.parent[i]!]! : -1;
    const key = `${up}/${columns.service[i]}/${columns.operation[i]}`;
    let at = known.get(key);
    if (at === undefined) {
      at = paths.parent.length;
      known.set(key, at);
      paths.parent.push(up);
      paths.service.push(columns.service[i]!);
      paths.operation.push(columns.operation[i]!);
      paths.depth.push(up < 0 ? 0 : paths.depth[up]! + 1);
      paths.count.push(0);
      paths.errors.push(0);
      paths.total.push(0);
      paths.self.push(0);
      paths.example.push(i);
    }
    paths.of[i] = at;
    paths.count[at]!++;
    if (columns.flags[i]! & Flag.error) paths.errors[at]!++;
    paths.total[at]! += columns.duration[i]!;
    paths.self[at]! += self[i]!;
  }
  return paths;
}

export interface Group {
  name: string;
  count: number;
  errors: number;
  total: number;
  self: number;
  min: number;
  max: number;
  p50: number;
  p95: number;
  example: number;
}

/** Groups by a number for each span (-1: none), named by `names`. */
export function groupBy(columns: Columns, self: Float64Array, numbers: ArrayLike<number>, names: (number: number) => string): Group[] {
  const counts = new Map<number, number>();
  for (let i = 0; i < columns.n; i++) counts.set(numbers[i]!, (counts.get(numbers[i]!) ?? 0) + 1);
  const groups = new Map<number, Group & { durations: Float64Array }>();
  for (let i = 0; i < columns.n; i++) {
    const number = numbers[i]!;
    let group = groups.get(number);
    if (!group) {
      const durations = new Float64Array(counts.get(number)!);
      group = { name: names(number), count: 0, errors: 0, total: 0, self: 0, min: Infinity, max: 0, p50: 0, p95: 0, example: i, durations };
      groups.set(number, group);
    }
    const length = columns.duration[i]!;
    group.durations[group.count++] = length;
    if (columns.flags[i]! & Flag.error) group.errors++;
    group.total += length;
    group.self += self[i]!;
    group.min = Math.min(group.min, length);
    if (length > group.max) {
      group.max = length;
      group.example = i;
    }
  }
  return [...groups.values()].map(({ durations, ...group }) => {
    durations.sort();
    const at = (share: number) => durations[Math.min(durations.length - 1, Math.ceil(share * durations.length) - 1)]!;
    return { ...group, p50: at(0.5), p95: at(0.95) };
  });
}
