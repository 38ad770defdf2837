// Two traces side by side: ways that both take, that only one takes, and how often and how long each.
import type { Columns } from './columns';
import { callPaths } from './groups';
import { selfTimes } from './times';
import { buildTree } from './tree';

export interface Side {
  count: number;
  errors: number;
  total: number;
  self: number;
}
export interface DiffRow {
  key: string;
  parent: number;
  depth: number;
  service: string;
  operation: string;
  a: Side | null;
  b: Side | null;
}

/** Rows in the order of a tree: parents before their children, siblings by the time that both spend there. */
export function diffTraces(a: Columns, b: Columns): DiffRow[] {
  const rows: DiffRow[] = [];
  const known = new Map<string, number>();
  const add = (columns: Columns, side: 'a' | 'b') => {
    const tree = buildTree(columns);
    const paths = callPaths(columns, tree, selfTimes(columns, tree));
    const at: number[] = [];
    for (let p = 0; p < paths.parent.length; p++) {
      const parent = paths.parent[p]! < 0 ? -1 : at[paths.parent[p]!]!;
      const service = columns.services[paths.service[p]!]!;
      const operation = columns.operations[paths.operation[p]!]!;
      const key = JSON.stringify([parent, service, operation]);
      let row = known.get(key);
      if (row === undefined) {
        row = rows.length;
        known.set(key, row);
        rows.push({ key, parent, depth: parent < 0 ? 0 : rows[parent]!.depth + 1, service, operation, a: null, b: null });
      }
      at[p] = row;
      rows[row]![side] = { count: paths.count[p]!, errors: paths.errors[p]!, total: paths.total[p]!, self: paths.self[p]! };
    }
  };
  add(a, 'a');
  add(b, 'b');
  return inTreeOrder(rows);
}

function inTreeOrder(rows: DiffRow[]): DiffRow[] {
  const children = new Map<number, number[]>();
  rows.forEach((row, k) => {
    const list = children.get(row.parent);
    if (list) list.push(k);
    else children.set(row.parent, [k]);
  });
  const weight = (k: number) => (rows[k]!.a?.total ?? 0) + (rows[k]!.b?.total ?? 0);
  const out: DiffRow[] = [];
  const place = new Map<number, number>();
  const stack = [...(children.get(-1) ?? [])].sort((x, y) => weight(x) - weight(y));
  while (stack.length > 0) {
    const k = stack.pop()!;
    place.set(k, out.length);
    const row = rows[k]!;
    out.push({ ...row, parent: row.parent < 0 ? -1 : place.get(row.parent)! });
    stack.push(...[...(children.get(k) ?? [])].sort((x, y) => weight(x) - weight(y)));
  }
  return out;
}
