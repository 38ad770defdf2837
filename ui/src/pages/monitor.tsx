// How a service does over time: latencies, calls, failures; and which of its operations make it so. Every line leads to traces.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import * as api from '../api/client';
import { ApiError } from '../api/http';
import type { Series } from '../api/types';
import { keep, load } from '../lib/theme';
import { T } from '../lib/text';
import { duration, parseLookback, percent, zone } from '../lib/time';
import { Chart, type Line } from '../parts/chart';
import { Lookback } from '../parts/lookback';
import { SortHead, useOrder } from '../parts/sort';
import { Empty, Failed, Loading } from '../parts/state';
import { narrowed, Suggest } from '../parts/suggest';
import { searchUrl } from '../routes';
import '../styles/views.css';
import '../styles/monitor.css';

const TIMES = ['1h', '2h', '6h', '12h', '1d', '2d'];
const KINDS = ['server', 'client', 'consumer', 'producer', 'internal'];

export default function MonitorPage() {
  const params = new URLSearchParams(useSearch());
  const [, navigate] = useLocation();
  const services = useQuery({ queryKey: ['services'], queryFn: ({ signal }) => api.services(signal) });
  const service = params.get('service') ?? load('spoor.monitor') ?? services.data?.[0] ?? '';
  const asked = params.get('lookback') ?? '';
  const lookback = parseLookback(asked) ? asked : '1h';
  const kind = params.get('spanKind') ?? 'server';
  const [text, setText] = useState<string | null>(null);
  useEffect(() => {
    document.title = service ? `${service.slice(0, 80)} · Monitor · Spoor` : 'Monitor · Spoor';
  }, [service]);
  const set = (more: Record<string, string>) => {
    const next = new URLSearchParams({ service, lookback, spanKind: kind, ...more });
    if (more.service) keep('spoor.monitor', more.service);
    navigate(`/monitor?${next.toString()}`);
  };
  return (
    <div className="trace-page">
      <div className="view-bar view-bar-fields">
        <h1>Monitor</h1>
        <Suggest
          label="Service"
          value={text ?? service}
          onChange={setText}
          onTake={taken => {
            setText(null);
            if (taken) set({ service: taken });
          }}
          suggestions={(value, _, typed) => narrowed(services.data ?? [], value, typed)}
          placeholder="Choose a service"
        />
        <label className="inline">
          <span>Kind</span>
          <select value={kind} onChange={event => set({ spanKind: event.target.value })}>
            {KINDS.map(name => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <Lookback value={lookback} choices={TIMES} onChange={value => set({ lookback: value })} />
        <span className="top-space" />
        <span className="note">{zone()}</span>
      </div>
      {services.isError ? (
        <Failed error={services.error} retry={() => void services.refetch()} />
      ) : service ? (
        <Service key={`${service}|${kind}|${lookback}`} service={service} kind={kind} lookback={lookback} />
      ) : services.data ? (
        <Empty title="No services yet">
          <p>
            Nothing has been sent. <Link href="/welcome">How to send a trace</Link>
          </p>
        </Empty>
      ) : (
        <Loading what="services" />
      )}
    </div>
  );
}

function Service({ service, kind, lookback }: { service: string; kind: string; lookback: string }) {
  const [now] = useState(() => Date.now());
  const lookbackMs = parseLookback(lookback) ?? 3_600_000;
  const stepMs = Math.max(60_000, Math.ceil(lookbackMs / 120 / 60_000) * 60_000);
  const base = { service, endMs: now, lookbackMs, stepMs, spanKind: kind };
  const loaded = useQuery({
    queryKey: ['metrics', service, kind, lookback],
    queryFn: async ({ signal }) => {
      const whole = { ...base, byOperation: false };
      const each = { ...base, byOperation: true };
      const [p50, p75, p95, calls, errors, opP95, opCalls, opErrors] = await Promise.all([
        api.metrics('latencies', { ...whole, quantile: 0.5 }, signal),
        api.metrics('latencies', { ...whole, quantile: 0.75 }, signal),
        api.metrics('latencies', { ...whole, quantile: 0.95 }, signal),
        api.metrics('calls', whole, signal),
        api.metrics('errors', whole, signal),
        api.metrics('latencies', { ...each, quantile: 0.95 }, signal),
        api.metrics('calls', each, signal),
        api.metrics('errors', each, signal),
      ]);
      return { p50, p75, p95, calls, errors, operations: operationsOf(opP95, opCalls, opErrors) };
    },
  });
  const start = String((now - lookbackMs) * 1000);
  const traces = { service, lookback: 'custom', start, end: String(now * 1000), limit: '20' };
  if (loaded.isError) {
    const off = loaded.error instanceof ApiError && loaded.error.trouble === 'off';
    return off ? (
      <Empty title="Monitor is not activated">
        <p>
          This server counts no calls: its store is a cluster that is not asked to (<code>query.span-metrics=always</code>), and there is no
          Prometheus (<code>METRICS_STORAGE_TYPE=prometheus</code>).
        </p>
        <p>
          <Link href={searchUrl({ service, lookback: '1h', limit: '20' })}>Traces of {service.slice(0, 80)}</Link> can be searched all the
          same.
        </p>
      </Empty>
    ) : (
      <Failed error={loaded.error} retry={() => void loaded.refetch()} />
    );
  }
  if (!loaded.data) return <Loading what="metrics" />;
  const { p50, p75, p95, calls, errors, operations } = loaded.data;
  const called = calls.some(series => series.points.some(point => (point.v ?? 0) > 0));
  if (!called) {
    return (
      <Empty title="No calls in this time">
        <p>No span of kind “{kind}” of this service began in this time. Another kind, or a longer time, may have some.</p>
        <p>
          <Link href={searchUrl({ service, lookback: '1d', limit: '20' })}>Traces of the last 24 hours</Link>
        </p>
      </Empty>
    );
  }
  return (
    <div className="monitor">
      <div className="charts">
        <Chart title="Latency" unit={ms => duration(ms * 1e6)} lines={[line('95 %', p95, 0), line('75 %', p75, 1), line('Median', p50, 2)]}>
          <Link href={searchUrl({ ...traces, sort: '-duration' })}>Slowest traces</Link>
        </Chart>
        <Chart title="Calls" unit={rate => `${Number(rate.toPrecision(3))}/s`} lines={[line('Calls', calls, 3)]}>
          <Link href={searchUrl(traces)}>Newest traces</Link>
        </Chart>
        <Chart title="Errors" unit={percent} lines={[line('Errors', errors, 4)]}>
          <Link href={searchUrl({ ...traces, tags: 'error=true' })}>Failed traces</Link>
        </Chart>
      </div>
      <Operations rows={operations} traces={traces} />
    </div>
  );
}

function line(label: string, series: Series[], tone: number): Line {
  return { label, points: series[0]?.points ?? [], tone };
}

interface Operation {
  name: string;
  p95: number;
  rate: number;
  errors: number;
  /** Share of the service's time that it takes. */
  impact: number;
}

function operationsOf(p95: Series[], calls: Series[], errors: Series[]): Operation[] {
  const mean = (series: Series | undefined) => {
    const values = (series?.points ?? []).flatMap(point => (point.v === null ? [] : [point.v]));
    return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : 0;
  };
  const rows = calls.map(series => {
    const same = (list: Series[]) => list.find(each => each.operation === series.operation);
    return { name: series.operation, p95: mean(same(p95)), rate: mean(series), errors: mean(same(errors)), impact: 0 };
  });
  const whole = rows.reduce((sum, row) => sum + row.p95 * row.rate, 0) || 1;
  return rows.map(row => ({ ...row, impact: (row.p95 * row.rate) / whole })).filter(row => row.rate > 0);
}

type Sort = 'name' | 'p95' | 'rate' | 'errors' | 'impact';

function Operations({ rows, traces }: { rows: Operation[]; traces: Record<string, string> }) {
  const [order, onOrder] = useOrder<Sort>({ by: 'impact', down: true }, ['name']);
  const sorted = useMemo(
    () =>
      [...rows].sort((a, b) => (order.by === 'name' ? a.name.localeCompare(b.name) : a[order.by] - b[order.by]) * (order.down ? -1 : 1)),
    [rows, order],
  );
  const head = (column: Sort, label: string, title: string, className?: string) => (
    <SortHead {...{ column, label, title, className, order, onOrder }} />
  );
  return (
    <div className="panel">
      <table className="table">
        <thead>
          <tr>
            {head('name', 'Operation', 'Operations that were called in this time', '')}
            {head('p95', '95 %', 'Mean over the time of the 95 % latency')}
            {head('rate', 'Calls', 'Mean calls a second')}
            {head('errors', 'Errors', 'Mean share of failed calls')}
            {head('impact', 'Impact', 'Latency times calls: its share of the time of the service')}
            <th scope="col">Traces</th>
          </tr>
        </thead>
        <tbody>
          {sorted.slice(0, 500).map(row => (
            <tr key={row.name}>
              <td className="wide">
                <T max={160}>{row.name || '(no name)'}</T>
              </td>
              <td className="number">{duration(row.p95 * 1e6)}</td>
              <td className="number">{Number(row.rate.toPrecision(3))}/s</td>
              <td className={row.errors > 0 ? 'number bad' : 'number dim'}>{percent(row.errors)}</td>
              <td className="number bar-cell">
                <span className="bar" style={{ width: `${row.impact * 100}%` }} aria-hidden />
                {percent(row.impact)}
              </td>
              <td className="monitor-links">
                <Link href={searchUrl({ ...traces, operation: row.name, sort: '-duration' })}>slowest</Link>
                <Link href={searchUrl({ ...traces, operation: row.name, tags: 'error=true' })}>failed</Link>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
