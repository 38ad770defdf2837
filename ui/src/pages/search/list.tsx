// What was found, as a list that tells a trace at a glance, or as a table that is denser and sorts.
import { Link } from 'wouter';
import type { Summary } from '../../api/types';
import { ago, clock, count, day, duration, moment, nanoTextToMs, nearMoment, plural } from '../../lib/time';
import { shortId, T, visible } from '../../lib/text';
import { Icon } from '../../parts/icon';
import { SortHead, type Order } from '../../parts/sort';
import { Pill } from '../../parts/pill';
import { traceUrl } from '../../routes';

export function lengthNs(summary: Summary): number {
  const number = (text: string) => (/^-?\d{1,20}$/.test(text) ? BigInt(text) : 0n);
  return Number(number(summary.maxEndTimeUnixNano) - number(summary.minStartTimeUnixNano));
}

export function titleOf(summary: Summary): string {
  return `${summary.rootServiceName || '(no root span)'}: ${summary.rootOperationName || '(no name)'}`;
}

interface ListProps {
  summaries: Summary[];
  selected: string[];
  onSelect?: (id: string) => void;
  /** Which spans of a trace to look at. */
  spansOf?: (id: string) => string | undefined;
}

const PILLS = 12;

export function TraceList({ summaries, selected, onSelect, spansOf }: ListProps) {
  const longest = summaries.reduce((max, each) => Math.max(max, lengthNs(each)), 1);
  return (
    <ol className="traces">
      {summaries.map(summary => {
        const start = nanoTextToMs(summary.minStartTimeUnixNano);
        const length = lengthNs(summary);
        return (
          <li key={summary.traceId} className={summary.errorSpanCount ? 'trace has-error' : 'trace'}>
            {onSelect && (
              <input
                type="checkbox"
                aria-label={`Select ${visible(titleOf(summary), 80)} ${shortId(summary.traceId)} to compare`}
                checked={selected.includes(summary.traceId)}
                onChange={() => onSelect(summary.traceId)}
              />
            )}
            <div className="trace-body">
              <Link className="trace-title" href={traceUrl(summary.traceId, { uiFind: spansOf?.(summary.traceId) })}>
                <span className="trace-service">
                  <T max={80}>{summary.rootServiceName || '(no root span)'}</T>
                </span>
                <span className="trace-operation">
                  <T max={160}>{summary.rootOperationName || '(no name)'}</T>
                </span>
                <code className="id">{shortId(summary.traceId)}</code>
              </Link>
              <div className="trace-pills">
                {summary.services.slice(0, PILLS).map((service, i) => (
                  <Pill key={i} name={service.name} spans={service.spanCount} errors={service.errorSpanCount} />
                ))}
                {summary.services.length > PILLS && <span className="pill">+{summary.services.length - PILLS}</span>}
              </div>
            </div>
            <div className="trace-facts">
              <Marks summary={summary} />
              <span>{plural(summary.spanCount, 'span')}</span>
            </div>
            <div className="trace-when">
              <span className="trace-length">
                <span className="trace-track" aria-hidden>
                  <span className="trace-bar" style={{ width: `${Math.max(2, (length / longest) * 100)}%` }} />
                </span>
                <strong>{duration(length)}</strong>
              </span>
              <time dateTime={new Date(start).toISOString()} title={moment(start)}>
                {nearMoment(start)} <span>{ago(start)}</span>
              </time>
            </div>
          </li>
        );
      })}
    </ol>
  );
}

export function Marks({ summary }: { summary: Summary }) {
  return (
    <>
      {summary.errorSpanCount > 0 && (
        <span className="mark mark-error">
          <Icon name="error" />
          {plural(summary.errorSpanCount, 'error')}
        </span>
      )}
      {(summary.orphanSpanCount > 0 || !summary.rootServiceName) && (
        <span
          className="mark mark-orphan"
          title="Spans name a parent that is not there: it is still on its way, or was lost or sampled away"
        >
          <Icon name="orphan" />
          incomplete
        </span>
      )}
    </>
  );
}

export type Column = 'start' | 'duration' | 'spans' | 'errors';

export function TraceTable({
  summaries,
  selected,
  onSelect,
  spansOf,
  order,
  onOrder,
}: ListProps & { order: Order<Column>; onOrder: (column: Column) => void }) {
  const longest = summaries.reduce((max, each) => Math.max(max, lengthNs(each)), 1);
  const head = (column: Column, label: string) => <SortHead {...{ column, label, order, onOrder }} />;
  return (
    <div className="table-box" tabIndex={0} role="region" aria-label="Traces as a table">
      <table className="table trace-table">
        <thead>
          <tr>
            {onSelect && (
              <th scope="col">
                <span className="hidden">Compare</span>
              </th>
            )}
            <th scope="col">Trace</th>
            {head('start', 'Start')}
            {head('duration', 'Duration')}
            {head('spans', 'Spans')}
            {head('errors', 'Errors')}
            <th scope="col" className="number">
              Services
            </th>
          </tr>
        </thead>
        <tbody>
          {summaries.map(summary => {
            const start = nanoTextToMs(summary.minStartTimeUnixNano);
            return (
              <tr key={summary.traceId}>
                {onSelect && (
                  <td>
                    <input
                      type="checkbox"
                      aria-label={`Select ${shortId(summary.traceId)} to compare`}
                      checked={selected.includes(summary.traceId)}
                      onChange={() => onSelect(summary.traceId)}
                    />
                  </td>
                )}
                <td className="wide">
                  <Link href={traceUrl(summary.traceId, { uiFind: spansOf?.(summary.traceId) })}>
                    <T max={120}>{titleOf(summary)}</T> <code className="id">{shortId(summary.traceId)}</code>
                  </Link>
                </td>
                <td className="number" title={moment(start)}>
                  <span className="dim">{day(start).slice(5)}</span> {clock(start, 3)}
                </td>
                <td className="number bar-cell">
                  <span className="bar" style={{ width: `${(lengthNs(summary) / longest) * 100}%` }} aria-hidden />
                  <span>{duration(lengthNs(summary))}</span>
                </td>
                <td className="number">{count(summary.spanCount)}</td>
                <td className={summary.errorSpanCount ? 'number bad' : 'number dim'}>{count(summary.errorSpanCount)}</td>
                <td className="number">{count(summary.services.length)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
