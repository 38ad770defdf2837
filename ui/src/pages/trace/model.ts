// What the views of one trace share: its columns, who is whose child, and the details of spans that were looked at.
import { useMemo, useSyncExternalStore } from 'react';
import type { Detail } from '../../api/types';
import type { Values } from '../../lib/links';
import { Flag, LOST_PARENT, operationOf, serviceOf, traceDuration, type Columns } from '../../trace/columns';
import { MAX_DETAILS, type Source } from '../../trace/source';
import { criticalPath, selfTimes, type CriticalPath } from '../../trace/times';
import { buildTree, type Tree } from '../../trace/tree';

export interface Facts {
  errors: number;
  warnings: number;
  orphans: number;
  services: number;
}

export class Model {
  readonly columns: Columns;
  readonly tree: Tree;
  readonly duration: number;
  readonly facts: Facts;
  readonly details: Details;
  private path?: CriticalPath;
  private own?: Float64Array;
  private known?: Values;
  constructor(readonly source: Source) {
    this.columns = source.columns;
    this.tree = buildTree(source.columns);
    this.duration = Math.max(1, traceDuration(source.columns));
    this.facts = countFacts(source.columns);
    this.details = new Details(source);
  }
  /** What link patterns may say of the trace; times in µs. */
  get values(): Values {
    return (this.known ??= this.describe());
  }
  private describe(): Values {
    const root = this.tree.roots[0] ?? 0;
    const start = this.columns.startUnixNano / 1000n;
    const length = Math.round(this.duration / 1000);
    return {
      traceID: this.columns.traceId,
      traceName: `${serviceOf(this.columns, root)}: ${operationOf(this.columns, root)}`,
      services: this.columns.services.join(','),
      startTime: String(start),
      endTime: String(start + BigInt(length)),
      duration: String(length),
    };
  }
  get critical(): CriticalPath {
    return (this.path ??= criticalPath(this.columns, this.tree));
  }
  get selfTimes(): Float64Array {
    return (this.own ??= selfTimes(this.columns, this.tree));
  }
}

function countFacts(columns: Columns): Facts {
  let [errors, warnings, orphans] = [0, 0, 0];
  for (let i = 0; i < columns.n; i++) {
    const flags = columns.flags[i]!;
    if (flags & Flag.error) errors++;
    if (flags & Flag.warnings) warnings++;
    if (columns.parent[i] === LOST_PARENT) orphans++;
  }
  return { errors, warnings, orphans, services: columns.services.length };
}

export function useModel(source: Source | undefined): Model | undefined {
  return useMemo(() => (source ? new Model(source) : undefined), [source]);
}

const KEPT = 600;

/** Details as they come: views say which spans are in sight, and are told when some arrived. */
export class Details {
  private known = new Map<number, Detail>();
  private failed = new Map<number, string>();
  private wanted = new Set<number>();
  private asking = new Set<number>();
  private listeners = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private version = 0;
  constructor(private source: Source) {}

  get(i: number): Detail | undefined {
    return this.known.get(i);
  }
  error(i: number): string | undefined {
    return this.failed.get(i);
  }

  /** Asks for these, a moment later: what has gone out of sight by then is not asked for. */
  want(positions: number[], now = false): void {
    this.wanted = new Set(positions.filter(i => !this.known.has(i) && !this.asking.has(i) && !this.failed.has(i)));
    clearTimeout(this.timer);
    if (this.wanted.size > 0) this.timer = setTimeout(() => void this.load(), now ? 0 : 120);
  }

  retry(i: number): void {
    this.failed.delete(i);
    this.want([i], true);
    this.changed();
  }

  private async load(): Promise<void> {
    const positions = [...this.wanted].slice(0, MAX_DETAILS);
    this.wanted.clear();
    positions.forEach(i => this.asking.add(i));
    try {
      const found = await this.source.details(positions);
      for (const i of positions) {
        const detail = found.get(i);
        if (detail) this.keep(i, detail);
        else this.failed.set(i, 'this span is not in the trace any more: load the trace again');
      }
    } catch (error) {
      for (const i of positions) this.failed.set(i, (error as Error).message);
    }
    positions.forEach(i => this.asking.delete(i));
    this.changed();
  }

  private keep(i: number, detail: Detail): void {
    if (this.known.size >= KEPT) {
      const oldest = this.known.keys().next();
      if (!oldest.done) this.known.delete(oldest.value);
    }
    this.known.set(i, detail);
  }

  private changed(): void {
    this.version++;
    this.listeners.forEach(listener => listener());
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  snapshot = (): number => this.version;
}

/** Renders again when details arrived. */
export function useDetails(details: Details): number {
  return useSyncExternalStore(details.subscribe, details.snapshot);
}
