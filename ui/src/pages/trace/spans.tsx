// All spans as a table that sorts by anything. Only rows in sight exist.
import { useEffect, useMemo, useRef } from 'react';
import { T } from '../../lib/text';
import { count, duration } from '../../lib/time';
import { Swatch } from '../../parts/pill';
import { SortHead, useOrder } from '../../parts/sort';
import { useRows } from '../../parts/window';
import { Flag, KINDS, operationOf, serviceOf, spanId, type Columns } from '../../trace/columns';
import type { Find } from './find';
import type { Model } from './model';
import '../../styles/views.css';

const ROW = 26;
type Sort = 'start' | 'duration' | 'self' | 'service' | 'operation' | 'kind' | 'error' | 'children';

export default function Spans({ model, find, showSpan }: { model: Model; find: Find; showSpan: (id: string) => void }) {
  const { columns, tree } = model;
  const [order, onOrder] = useOrder<Sort>({ by: 'start', down: false }, ['start', 'service', 'operation', 'kind']);
  const box = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => {
    const all = find.marks ? Int32Array.from(find.found) : Int32Array.from({ length: columns.n }, (_, i) => i);
    return all.sort(compare(model, order.by, order.down));
  }, [columns, model, find.marks, find.found, order]);
  useEffect(() => {
    if (box.current) box.current.scrollTop = 0;
  }, [rows]);
  const view = useRows(box, rows.length, ROW);
  const shown: number[] = [];
  for (let row = view.first; row <= view.last; row++) shown.push(row);
  const head = (column: Sort, label: string) => <SortHead {...{ column, label, order, onOrder }} className={`cell cell-${column}`} plain />;
  return (
    <section className="view" aria-label="Spans">
      <div className="span-table" role="table" aria-rowcount={rows.length + 1} aria-label={`${rows.length} spans`}>
        <div role="rowgroup">
          <div role="row" className="span-row span-head">
            {head('service', 'Service')}
            {head('operation', 'Operation')}
            {head('start', 'Began after')}
            {head('duration', 'Duration')}
            {head('self', 'Self time')}
            {head('kind', 'Kind')}
            {head('children', 'Below')}
            {head('error', 'Error')}
            <span role="columnheader" className="cell cell-id">
              Span ID
            </span>
          </div>
        </div>
        <div className="span-rows" ref={box} role="rowgroup" tabIndex={0} aria-label="Rows">
          <div style={{ height: rows.length * ROW }} role="presentation" className="rows-all">
            {shown.map(row => {
              const i = rows[row]!;
              return (
                <div key={i} role="row" aria-rowindex={row + 2} className="span-row" style={{ top: row * ROW }}>
                  <span role="cell" className="cell cell-service">
                    <Swatch name={serviceOf(columns, i)} /> <T max={80}>{serviceOf(columns, i)}</T>
                  </span>
                  <span role="cell" className="cell cell-operation">
                    <button type="button" className="plain" onClick={() => showSpan(spanId(columns, i))}>
                      <T max={160}>{operationOf(columns, i) || '(no name)'}</T>
                    </button>
                  </span>
                  <span role="cell" className="cell cell-start">
                    {duration(columns.start[i]!)}
                  </span>
                  <span role="cell" className="cell cell-duration">
                    {duration(columns.duration[i]!)}
                  </span>
                  <span role="cell" className="cell cell-self">
                    {duration(model.selfTimes[i]!)}
                  </span>
                  <span role="cell" className="cell cell-kind">
                    {KINDS[columns.kind[i]!]}
                  </span>
                  <span role="cell" className="cell cell-children">
                    {count(tree.size[i]! - 1)}
                  </span>
                  <span role="cell" className="cell cell-error bad">
                    {isFailed(columns, i) ? 'error' : ''}
                  </span>
                  <span role="cell" className="cell cell-id mono">
                    {spanId(columns, i)}
                  </span>
                </div>
              );
            })}
          </div>
        </div>
      </div>
    </section>
  );
}

function isFailed(columns: Columns, i: number): boolean {
  return (columns.flags[i]! & Flag.error) !== 0;
}

function compare(model: Model, by: Sort, down: boolean): (a: number, b: number) => number {
  const { columns, tree } = model;
  const sign = down ? -1 : 1;
  if (by === 'service' || by === 'operation') {
    const names = by === 'service' ? columns.services : columns.operations;
    const column = by === 'service' ? columns.service : columns.operation;
    // names are compared once, spans by the places of their names
    const order = names.map((_, k) => k).sort((a, b) => names[a]!.localeCompare(names[b]!));
    const rank = new Int32Array(names.length);
    order.forEach((k, place) => (rank[k] = place));
    return (a, b) => (rank[column[a]!]! - rank[column[b]!]!) * sign || a - b;
  }
  const value: Record<Exclude<Sort, 'service' | 'operation'>, (i: number) => number> = {
    start: i => columns.start[i]!,
    duration: i => columns.duration[i]!,
    self: i => model.selfTimes[i]!,
    kind: i => columns.kind[i]!,
    error: i => columns.flags[i]! & Flag.error,
    children: i => tree.size[i]!,
  };
  const of = value[by];
  return (a, b) => (of(a) - of(b)) * sign || a - b;
}
