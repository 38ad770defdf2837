// Two traces beside each other: where their structure and their times part.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { Icon } from '../parts/icon';
import { Swatch } from '../parts/pill';
import { Empty, Failed, Loading, Partial } from '../parts/state';
import { useRows } from '../parts/window';
import { shortId, T, visible } from '../lib/text';
import { count, duration, moment, nanoToMs } from '../lib/time';
import { compareUrl, isTraceId, readCohort, traceUrl } from '../routes';
import { traceDuration, type Columns } from '../trace/columns';
import { diffTraces, type DiffRow } from '../trace/diff';
import { openedTrace } from '../trace/opened';
import { openTrace } from '../trace/source';
import { summarize } from '../trace/summary';
import { Cohort } from './cohort';
import '../styles/views.css';
import '../styles/compare.css';

const ROW = 26;

export default function ComparePage({ ids }: { ids: string }) {
  const [a = '', b = ''] = ids.split('...');
  const [, navigate] = useLocation();
  const cohort = readCohort(new URLSearchParams(useSearch()), a, b);
  // two that are compared are no choice
  const choice = cohort.some(id => id !== a && id !== b) ? cohort : [];
  const [listed, setListed] = useState(choice.length > 0 && (!a || !b));
  const compare = (first: string, second: string) => navigate(compareUrl(first, second, choice));
  useEffect(() => {
    document.title = 'Compare · Spoor';
  }, []);
  const left = useTrace(a);
  const right = useTrace(b);
  return (
    <div className="trace-page">
      <Choose key={ids} {...{ a, b, choice, compare, listed, setListed }} />
      {listed && choice.length > 0 && <Cohort ids={choice} a={a} b={b} onChoose={compare} />}
      {!a || !b ? (
        <Empty title="Compare two traces">
          <p>
            Put two trace ids in above, or select traces in a <Link href="/search">search</Link>. The first is what you know; the second is
            shown against it: what it does more, less, longer or not at all.
          </p>
        </Empty>
      ) : left.error || right.error ? (
        <Failed error={left.error ?? right.error} retry={() => void (left.error ? left.refetch() : right.refetch())} />
      ) : left.columns && right.columns ? (
        <Diff a={left.columns} b={right.columns} />
      ) : (
        <Loading what="both traces" />
      )}
    </div>
  );
}

function useTrace(id: string) {
  const local = openedTrace(id);
  const loaded = useQuery({
    queryKey: ['trace', id, false],
    queryFn: ({ signal }) => openTrace(id, false, signal),
    enabled: id !== '' && !local,
    staleTime: Infinity,
    gcTime: 60_000,
    structuralSharing: false,
  });
  return { columns: (local ?? loaded.data)?.columns, error: loaded.error, refetch: loaded.refetch };
}

interface Choice {
  a: string;
  b: string;
  choice: string[];
  compare: (a: string, b: string) => void;
  listed: boolean;
  setListed: (listed: boolean) => void;
}

function Choose({ a, b, choice, compare, listed, setListed }: Choice) {
  const [ids, setIds] = useState({ a, b });
  const ok = (id: string) => isTraceId(id.trim());
  const field = (side: 'a' | 'b', label: string) => (
    <label className="inline">
      <span className={`side side-${side}`}>{side.toUpperCase()}</span>
      <input
        className="mono"
        aria-label={label}
        value={ids[side]}
        placeholder="Trace ID"
        spellCheck={false}
        aria-invalid={(ids[side] !== '' && !ok(ids[side])) || undefined}
        onChange={event => setIds({ ...ids, [side]: event.target.value })}
      />
    </label>
  );
  return (
    <form
      className="compare-bar"
      onSubmit={event => {
        event.preventDefault();
        if (ok(ids.a) && ok(ids.b)) compare(ids.a.trim().toLowerCase(), ids.b.trim().toLowerCase());
      }}
    >
      <h1 className="hidden">Compare two traces</h1>
      {field('a', 'First trace')}
      {field('b', 'Second trace')}
      <button type="submit" className="primary" disabled={!ok(ids.a) || !ok(ids.b)}>
        Compare
      </button>
      <button type="button" className="ghost" onClick={() => compare(b, a)} disabled={!a || !b}>
        Swap
      </button>
      {choice.length > 0 && (
        <button type="button" className="ghost" aria-expanded={listed} onClick={() => setListed(!listed)}>
          <Icon name={listed ? 'up' : 'down'} /> Choose of {count(choice.length)}
        </button>
      )}
    </form>
  );
}

function Diff({ a, b }: { a: Columns; b: Columns }) {
  const rows = useMemo(() => diffTraces(a, b), [a, b]);
  const [only, setOnly] = useState(false);
  const shownRows = useMemo(() => (only ? withParents(rows) : rows), [rows, only]);
  const box = useRef<HTMLDivElement>(null);
  const view = useRows(box, shownRows.length, ROW);
  const most = rows.reduce((max, row) => Math.max(max, Math.abs((row.b?.total ?? 0) - (row.a?.total ?? 0))), 1);
  const added = rows.filter(row => !row.a).length;
  const removed = rows.filter(row => !row.b).length;
  const shown: number[] = [];
  for (let row = view.first; row <= view.last; row++) shown.push(row);
  return (
    <>
      {(a.partial ?? b.partial) && <Partial reason={(a.partial ?? b.partial)!} />}
      <div className="compare-heads">
        <Head side="a" columns={a} />
        <Head side="b" columns={b} than={a} />
      </div>
      <div className="view-bar">
        <span>
          <strong>{count(rows.length)}</strong> ways through both
        </span>
        <span className="good">+ {count(added)} only in B</span>
        <span className="bad">− {count(removed)} only in A</span>
        <span className="top-space" />
        <label className="inline">
          <input type="checkbox" checked={only} onChange={event => setOnly(event.target.checked)} />
          <span>Differences only</span>
        </label>
      </div>
      <div className="span-table diff" role="table" aria-label="Differences" aria-rowcount={shownRows.length + 1}>
        <div role="rowgroup">
          <div role="row" className="span-row span-head">
            <span role="columnheader">Service and operation</span>
            <span role="columnheader" className="cell-start">
              Spans A
            </span>
            <span role="columnheader" className="cell-start">
              Spans B
            </span>
            <span role="columnheader" className="cell-start">
              Time A
            </span>
            <span role="columnheader" className="cell-start">
              Time B
            </span>
            <span role="columnheader">Longer or shorter</span>
          </div>
        </div>
        <div className="span-rows" ref={box} role="rowgroup" tabIndex={0} aria-label="Rows">
          <div className="rows-all" style={{ height: shownRows.length * ROW }} role="presentation">
            {shown.map(k => (
              <Line key={shownRows[k]!.key} row={shownRows[k]!} top={k * ROW} index={k + 2} most={most} />
            ))}
          </div>
        </div>
      </div>
    </>
  );
}

function withParents(rows: DiffRow[]): DiffRow[] {
  const keep = new Set<number>();
  rows.forEach((row, k) => {
    if (isAlike(row)) return;
    for (let at = k; at >= 0 && !keep.has(at); at = rows[at]!.parent) keep.add(at);
  });
  return rows.filter((_, k) => keep.has(k));
}

function isAlike({ a, b }: DiffRow): boolean {
  if (!a || !b) return false;
  const change = Math.abs(b.total - a.total);
  return a.count === b.count && a.errors === b.errors && change < Math.max(a.total, b.total) * 0.1;
}

function Head({ side, columns, than }: { side: 'a' | 'b'; columns: Columns; than?: Columns }) {
  const summary = useMemo(() => summarize(columns), [columns]);
  const length = traceDuration(columns);
  const change = than ? length - traceDuration(than) : 0;
  return (
    <section className="compare-head" aria-label={side === 'a' ? 'First trace' : 'Second trace'}>
      <span className={`side side-${side}`}>{side.toUpperCase()}</span>
      <div>
        <Link href={traceUrl(columns.traceId)} className="trace-title">
          <span className="trace-service">
            <T max={60}>{summary.rootServiceName || '(no root span)'}</T>
          </span>
          <span className="trace-operation">
            <T max={100}>{summary.rootOperationName}</T>
          </span>
          <code className="id">{shortId(columns.traceId)}</code>
        </Link>
        <div className="compare-facts">
          <strong>{duration(length)}</strong>
          {than && change !== 0 && <span className={change > 0 ? 'bad' : 'good'}>{`${change > 0 ? '+' : ''}${duration(change)}`}</span>}
          <span>{count(summary.spanCount)} spans</span>
          <span className={summary.errorSpanCount ? 'bad' : 'dim'}>{count(summary.errorSpanCount)} errors</span>
          <span className="dim">{moment(nanoToMs(columns.startUnixNano))}</span>
        </div>
      </div>
    </section>
  );
}

function Line({ row, top, index, most }: { row: DiffRow; top: number; index: number; most: number }) {
  const { a, b } = row;
  const change = (b?.total ?? 0) - (a?.total ?? 0);
  const width = `${(Math.abs(change) / most) * 50}%`;
  const words = !a ? 'only in B' : !b ? 'only in A' : `${change > 0 ? '+' : ''}${duration(change)}`;
  const tone = !a ? 'diff-added' : !b ? 'diff-removed' : '';
  return (
    <div role="row" className={`span-row ${tone}`} style={{ top }} aria-rowindex={index}>
      <span
        role="cell"
        className="cell diff-name"
        title={visible(`${row.service} ${row.operation}`)}
        style={{ paddingLeft: Math.min(row.depth, 30) * 12 }}
      >
        <span className="diff-sign" aria-hidden>
          {!a ? '+' : !b ? '−' : ''}
        </span>
        <Swatch name={row.service} />{' '}
        <strong>
          <T max={60}>{row.service}</T>
        </strong>{' '}
        <T max={120}>{row.operation}</T>
        {(a?.errors ?? 0) !== (b?.errors ?? 0) && (
          <span className="bad">
            {' '}
            <Icon name="error" /> {count(a?.errors ?? 0)} → {count(b?.errors ?? 0)}
          </span>
        )}
      </span>
      <span role="cell" className="cell cell-start">
        {a ? count(a.count) : '–'}
      </span>
      <span role="cell" className="cell cell-start">
        {b ? count(b.count) : '–'}
      </span>
      <span role="cell" className="cell cell-start">
        {a ? duration(a.total) : '–'}
      </span>
      <span role="cell" className="cell cell-start">
        {b ? duration(b.total) : '–'}
      </span>
      <span role="cell" className="diff-change">
        <span
          className={change > 0 ? 'diff-bar diff-longer' : 'diff-bar diff-shorter'}
          style={change > 0 ? { left: '50%', width } : { right: '50%', width }}
        />
        <span className={change > 0 ? 'diff-words diff-words-left' : 'diff-words'}>{words}</span>
      </span>
    </div>
  );
}
