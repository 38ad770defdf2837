// Who calls whom: the services of a time as a graph, with volumes and failures; around one service if it is chosen. The table has all of it in words.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import * as api from '../api/client';
import type { Link as Call } from '../api/types';
import { serviceColor } from '../lib/color';
import { T } from '../lib/text';
import { useDark } from '../lib/theme';
import { count, duration, parseLookback, percent, plural, short } from '../lib/time';
import { GraphView, type GraphEdge, type GraphNode } from '../parts/graph';
import { Lookback } from '../parts/lookback';
import { Swatch } from '../parts/pill';
import { SortHead, useOrder } from '../parts/sort';
import { Empty, Failed, Loading, Partial } from '../parts/state';
import { narrowed, Suggest } from '../parts/suggest';
import { searchUrl } from '../routes';
import '../styles/views.css';

const TIMES = ['15m', '1h', '6h', '24h', '2d', '7d'];
const MOST = 200;

export default function SystemPage() {
  const params = new URLSearchParams(useSearch());
  const [, navigate] = useLocation();
  const asked = params.get('lookback') ?? '';
  const lookback = parseLookback(asked) ? asked : '24h';
  const focus = params.get('service') ?? '';
  const depth = Math.max(1, Math.min(9, Number(params.get('depth')) || 2));
  const [table, setTable] = useState(params.get('as') === 'table');
  const [text, setText] = useState(focus);
  useEffect(() => setText(focus), [focus]);
  useEffect(() => {
    document.title = 'System · Spoor';
  }, []);
  const calls = useQuery({
    queryKey: ['dependencies', lookback],
    queryFn: ({ signal }) => api.dependencies(Date.now(), parseLookback(lookback) ?? 86_400_000, signal),
  });
  const set = (more: Record<string, string>) => {
    const next = new URLSearchParams(params);
    for (const [key, value] of Object.entries(more))
      if (value) next.set(key, value);
      else next.delete(key);
    navigate(`/dependencies?${next.toString()}`);
  };
  const links = useMemo(() => around(calls.data?.links ?? [], focus, depth), [calls.data, focus, depth]);
  const names = useMemo(
    () => [...new Set((calls.data?.links ?? []).flatMap(link => [link.parent, link.child]))].sort((a, b) => a.localeCompare(b)),
    [calls.data],
  );
  return (
    <div className="trace-page">
      <div className="view-bar view-bar-fields">
        <h1>System</h1>
        <Suggest
          label="Around"
          value={text}
          onChange={setText}
          onTake={service => set({ service })}
          suggestions={(value, _, typed) => narrowed(names, value, typed)}
          placeholder="all services"
          clearable
        />
        {focus && (
          <label className="inline">
            <span>Steps</span>
            <select value={depth} onChange={event => set({ depth: event.target.value })}>
              {[1, 2, 3, 4, 5, 9].map(steps => (
                <option key={steps} value={steps}>
                  {steps === 9 ? 'all' : steps}
                </option>
              ))}
            </select>
          </label>
        )}
        <Lookback value={lookback} choices={TIMES} onChange={value => set({ lookback: value })} />
        <span className="top-space" />
        <div className="segments" role="group" aria-label="Show as">
          <button type="button" aria-pressed={!table} onClick={() => setTable(false)}>
            Graph
          </button>
          <button type="button" aria-pressed={table} onClick={() => setTable(true)}>
            Table
          </button>
        </div>
      </div>
      {calls.data?.partial && <Partial reason={calls.data.partial} />}
      {calls.isError ? (
        <Failed error={calls.error} retry={() => void calls.refetch()} />
      ) : !calls.data ? (
        <Loading what="who calls whom" />
      ) : calls.data.links.length === 0 ? (
        <Empty title="No calls in this time">
          <p>
            Calls are counted from spans whose caller is another service. There are none here yet, or this store does not count them: look
            at a longer time, or send traces of two services.
          </p>
          <p>
            <Link href="/where">See whether spans arrived</Link>
          </p>
        </Empty>
      ) : links.length === 0 ? (
        <Empty title={`Nothing around “${focus.slice(0, 80)}”`}>
          <p>This service neither calls nor is called in this time.</p>
        </Empty>
      ) : table ? (
        <CallTable links={links} lookback={lookback} />
      ) : (
        <CallGraph links={links} focus={focus} onFocus={service => set({ service: service === focus ? '' : service })} />
      )}
    </div>
  );
}

/** Calls within so many steps up or down from a service; all of them without one. */
export function around(links: Call[], focus: string, steps: number): Call[] {
  if (!focus) return links;
  const walk = (from: (link: Call) => string, to: (link: Call) => string) => {
    const seen = new Set([focus]);
    let edge = [focus];
    for (let step = 0; step < steps && edge.length > 0; step++) {
      const next = links.filter(link => edge.includes(from(link)) && !seen.has(to(link))).map(to);
      edge = [...new Set(next)];
      edge.forEach(name => seen.add(name));
    }
    return seen;
  };
  const down = walk(
    link => link.parent,
    link => link.child,
  );
  const up = walk(
    link => link.child,
    link => link.parent,
  );
  return links.filter(link => (down.has(link.parent) && down.has(link.child)) || (up.has(link.parent) && up.has(link.child)));
}

function CallGraph({ links, focus, onFocus }: { links: Call[]; focus: string; onFocus: (service: string) => void }) {
  const dark = useDark();
  const { nodes, edges, left } = useMemo(() => {
    const sums = new Map<string, { calls: number; errors: number; out: number; plain: boolean }>();
    const sum = (name: string) => {
      const found = sums.get(name) ?? { calls: 0, errors: 0, out: 0, plain: false };
      sums.set(name, found);
      return found;
    };
    for (const link of links) {
      sum(link.parent).out += link.callCount;
      const child = sum(link.child);
      child.calls += link.callCount;
      child.errors += link.errorCount ?? 0;
      if (isPlain(link)) child.plain = true;
    }
    const kept = new Set(
      [...sums]
        .sort((a, b) => b[1].calls + b[1].out - a[1].calls - a[1].out)
        .slice(0, MOST)
        .map(([name]) => name),
    );
    const nodes: GraphNode[] = [...sums]
      .filter(([name]) => kept.has(name))
      .map(([name, each]) => {
        const share = each.calls > 0 ? each.errors / each.calls : 0;
        const failed = share > 0 ? `, ${percent(share)} failed` : '';
        const words = (calls: number) => `${short(calls)} ${calls === 1 ? 'call' : 'calls'}`;
        const sub = each.calls > 0 ? `${words(each.calls)}${failed}` : `makes ${words(each.out)}`;
        return {
          id: name,
          title: name || '(no name)',
          sub,
          color: serviceColor(name, dark),
          tone: share > 0.01 ? 'error' : undefined,
          share: share || undefined,
        };
      });
    const merged = new Map<string, GraphEdge & { errors: number }>();
    for (const link of links) {
      if (!kept.has(link.parent) || !kept.has(link.child) || link.parent === link.child) continue;
      const key = `${link.parent}\u0001${link.child}`;
      const edge = merged.get(key) ?? { from: link.parent, to: link.child, label: '', weight: 0, errors: 0, dashed: isPlain(link) };
      merged.set(key, edge);
      edge.weight += link.callCount;
      edge.errors += link.errorCount ?? 0;
    }
    const edges = [...merged.values()].map(edge => {
      const share = edge.errors / edge.weight;
      return { ...edge, error: share > 0.01, label: `${short(edge.weight)}${share > 0 ? ` · ${percent(share)} ✕` : ''}` };
    });
    return { nodes, edges, left: sums.size - kept.size };
  }, [links, dark]);
  return (
    <>
      <GraphView nodes={nodes} edges={edges} label="Services and their calls" selected={focus} onSelect={onFocus} />
      <p className="graph-note note">
        {plural(nodes.length, 'service')}, {plural(edges.length, 'connection')}. A click looks around a service.
        {left > 0 && ` ${count(left)} with the fewest calls are in the table only.`}
      </p>
    </>
  );
}

/** A database, a queue: something that is called and sends no spans. */
function isPlain(link: Call): boolean {
  return link.kind !== '' && !/^(call|calls|service|rpc)$/i.test(link.kind);
}

type Sort = 'parent' | 'child' | 'callCount' | 'errors' | 'p95Ns';

function CallTable({ links, lookback }: { links: Call[]; lookback: string }) {
  const [order, onOrder] = useOrder<Sort>({ by: 'callCount', down: true }, ['parent', 'child']);
  const rows = useMemo(() => {
    const value = (link: Call): number | string => (order.by === 'errors' ? (link.errorCount ?? 0) : (link[order.by] ?? 0));
    return [...links].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      return (typeof x === 'string' ? x.localeCompare(String(y)) : x - Number(y)) * (order.down ? -1 : 1);
    });
  }, [links, order]);
  const head = (column: Sort, label: string, className?: string) => <SortHead {...{ column, label, className, order, onOrder }} />;
  const most = Math.max(1, ...links.slice(0, 10_000).map(link => link.callCount));
  return (
    <div className="table-box view-scroll" tabIndex={0} role="region" aria-label="Calls">
      <table className="table">
        <thead>
          <tr>
            {head('parent', 'Caller', '')}
            {head('child', 'Called', '')}
            <th scope="col">Kind</th>
            {head('callCount', 'Calls')}
            {head('errors', 'Errors')}
            <th scope="col" className="number">
              Median
            </th>
            {head('p95Ns', '95 %')}
            <th scope="col">Traces</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, 2000).map((link, k) => (
            <tr key={k}>
              <td>
                <Swatch name={link.parent} /> <T max={80}>{link.parent}</T>
              </td>
              <td>
                <Swatch name={link.child} /> <T max={80}>{link.child}</T>
              </td>
              <td className="dim">{link.kind}</td>
              <td className="number bar-cell">
                <span className="bar" style={{ width: `${(link.callCount / most) * 100}%` }} aria-hidden />
                {count(link.callCount)}
              </td>
              <td className={link.errorCount ? 'number bad' : 'number dim'}>
                {link.errorCount === undefined ? '–' : `${count(link.errorCount)} (${percent(link.errorCount / (link.callCount || 1))})`}
              </td>
              <td className="number">{link.p50Ns === undefined ? '–' : duration(link.p50Ns)}</td>
              <td className="number">{link.p95Ns === undefined ? '–' : duration(link.p95Ns)}</td>
              <td>
                <Link href={searchUrl({ service: link.parent, lookback: lookback === '24h' ? '1d' : lookback, limit: '20' })}>
                  traces of the caller
                </Link>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
