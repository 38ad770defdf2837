// Who is whose child, in typed arrays: made once for a trace, and the base of the timeline, the flame graph and the statistics.
// Parents that go round in a circle do not occur in honest traces; the first span of a circle is treated as a root here.
import type { Columns } from './columns';

export interface Tree {
  /** Spans in the order of the timeline: a parent before its children, siblings by start. */
  order: Int32Array;
  /** Where a span stands in `order`. */
  place: Int32Array;
  depth: Int32Array;
  /** How many spans stand below, itself included. */
  size: Int32Array;
  /** Its parent here; -1 for roots, lost ones and broken circles included. */
  parent: Int32Array;
  /** Children of span i: `children[from[i]..from[i + 1]]`, by start. */
  from: Int32Array;
  children: Int32Array;
  roots: number[];
  maxDepth: number;
}

export function buildTree(columns: Columns): Tree {
  const { n } = columns;
  const parent = withoutCircles(columns.parent, n);
  const from = new Int32Array(n + 1);
  const roots: number[] = [];
  for (let i = 0; i < n; i++) {
    const p = parent[i]!;
    if (p >= 0) from[p + 1]!++;
    else roots.push(i);
  }
  for (let i = 0; i < n; i++) from[i + 1]! += from[i]!;
  const children = new Int32Array(n);
  const next = from.slice();
  for (let i = 0; i < n; i++) {
    const p = parent[i]!;
    if (p >= 0) children[next[p]!++] = i;
  }
  const order = new Int32Array(n);
  const place = new Int32Array(n);
  const depth = new Int32Array(n);
  const size = new Int32Array(n).fill(1);
  const stack = new Int32Array(n);
  let at = 0;
  let maxDepth = 0;
  for (const root of roots) {
    let top = 0;
    stack[top++] = root;
    while (top > 0) {
      const i = stack[--top]!;
      place[i] = at;
      order[at++] = i;
      const p = parent[i]!;
      const d = p >= 0 ? depth[p]! + 1 : 0;
      depth[i] = d;
      if (d > maxDepth) maxDepth = d;
      for (let c = from[i + 1]! - 1; c >= from[i]!; c--) stack[top++] = children[c]!;
    }
  }
  for (let k = n - 1; k >= 0; k--) {
    const i = order[k]!;
    const p = parent[i]!;
    if (p >= 0) size[p]! += size[i]!;
  }
  return { order, place, depth, size, parent, from, children, roots, maxDepth: n ? maxDepth + 1 : 0 };
}

function withoutCircles(given: Int32Array, n: number): Int32Array {
  const parent = new Int32Array(n);
  for (let i = 0; i < n; i++) parent[i] = given[i]! >= 0 && given[i] !== i ? given[i]! : -1;
  // 0 not seen, 1 on the way up that is being walked, 2 known to lead to a root
  const state = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    let at = i;
    while (at >= 0 && state[at] === 0) {
      state[at] = 1;
      const up = parent[at]!;
      if (up >= 0 && state[up] === 1) {
        // the circle opens at its first span, which is its earliest
        let first = at;
        for (let walk = up; walk !== at; walk = parent[walk]!) first = Math.min(first, walk);
        parent[first] = -1;
        break;
      }
      at = up;
    }
    for (let walk = i; walk >= 0 && state[walk] === 1; walk = parent[walk]!) state[walk] = 2;
    if (i >= 0) state[i] = 2;
  }
  return parent;
}

/** The spans that are shown when those with `collapsed[i]` hide what is below them, in the timeline's order. */
export function visibleRows(tree: Tree, collapsed: Uint8Array, keep?: Uint8Array): Int32Array {
  const { order, size } = tree;
  const rows = new Int32Array(order.length);
  let count = 0;
  for (let k = 0; k < order.length;) {
    const i = order[k]!;
    if (!keep || keep[i]) rows[count++] = i;
    k += collapsed[i] ? size[i]! : 1;
  }
  return rows.subarray(0, count);
}

export function hasChildren(tree: Tree, i: number): boolean {
  return tree.from[i + 1]! > tree.from[i]!;
}

/** The way from the root down to the parent of this span. */
export function ancestors(tree: Tree, i: number): number[] {
  const out: number[] = [];
  for (let p = tree.parent[i]!; p >= 0; p = tree.parent[p]!) out.push(p);
  return out.reverse();
}

/** The nearest spans above one, the nearest first. */
export function above(tree: Tree, i: number, most: number): number[] {
  const out: number[] = [];
  for (let p = tree.parent[i]!; p >= 0 && out.length < most; p = tree.parent[p]!) out.push(p);
  return out;
}
