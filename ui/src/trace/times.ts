// Where the time of a trace went: each span's own time (what no child covers), and the critical path (the stretches that the end of the
// trace waited for).
import type { Columns } from './columns';
import type { Tree } from './tree';

/** A span's duration without what its children cover, in ns. Children count only while their parent runs. */
export function selfTimes(columns: Columns, tree: Tree): Float64Array {
  const { start, duration, n } = columns;
  const own = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const end = start[i]! + duration[i]!;
    let covered = 0;
    let until = start[i]!;
    for (let c = tree.from[i]!; c < tree.from[i + 1]!; c++) {
      const child = tree.children[c]!;
      const from = Math.max(until, start[child]!);
      const to = Math.min(end, start[child]! + duration[child]!);
      if (to > from) {
        covered += to - from;
        until = to;
      }
    }
    own[i] = Math.max(0, duration[i]! - covered);
  }
  return own;
}

/** Stretches of the critical path: of `span[k]`, from `from[k]` to `to[k]`, both ns since the start of the trace. */
export interface CriticalPath {
  /** For each span, the first of its stretches, or -1; `next` leads to its further ones. */
  first: Int32Array;
  next: number[];
  from: number[];
  to: number[];
}

/** Walks back from the end of the first root: whatever child ended last before a moment is what that moment waited for. */
export function criticalPath(columns: Columns, tree: Tree): CriticalPath {
  const { start, duration, n } = columns;
  const path: CriticalPath = { first: new Int32Array(n).fill(-1), next: [], from: [], to: [] };
  const root = tree.roots[0];
  if (root === undefined) return path;
  const push = (span: number, from: number, to: number) => {
    if (!(to > from) && path.first[span] !== -1) return;
    path.next.push(path.first[span]!);
    path.first[span] = path.from.length;
    path.from.push(from);
    path.to.push(to);
  };
  const stack: { span: number; until: number }[] = [{ span: root, until: start[root]! + duration[root]! }];
  while (stack.length > 0) {
    const { span, until } = stack.pop()!;
    const begin = start[span]!;
    const byEnd: number[] = [];
    const ends = (child: number) => Math.min(start[child]! + duration[child]!, begin + duration[span]!);
    for (let c = tree.from[span]!; c < tree.from[span + 1]!; c++) {
      const child = tree.children[c]!;
      if (start[child]! < until && start[child]! + duration[child]! > begin) byEnd.push(child);
    }
    byEnd.sort((a, b) => ends(b) - ends(a));
    let at = until;
    for (const child of byEnd) {
      const end = ends(child);
      if (end > at) continue;
      push(span, end, at);
      stack.push({ span: child, until: end });
      at = Math.max(begin, start[child]!);
      if (at <= begin) break;
    }
    push(span, begin, at);
  }
  return path;
}
