// All events of all spans by time, page by page.
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { T } from '../../lib/text';
import { count, duration, plural } from '../../lib/time';
import { Swatch } from '../../parts/pill';
import { Empty, Failed, Loading } from '../../parts/state';
import { findSpan, operationOf, serviceOf } from '../../trace/columns';
import { tagText } from '../../trace/jaeger';
import type { Model } from './model';
import '../../styles/views.css';

const PAGE = 500;

export default function Events({ model, showSpan }: { model: Model; showSpan: (id: string) => void }) {
  const { columns } = model;
  const [filter, setFilter] = useState('');
  const found = useInfiniteQuery({
    queryKey: ['events', columns.traceId, model.source.raw],
    queryFn: ({ signal, pageParam }) => model.source.events(pageParam, PAGE, signal),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => {
      const shown = pages.reduce((sum, page) => sum + page.events.length, 0);
      return last.events.length > 0 && shown < last.total ? shown : undefined;
    },
    staleTime: Infinity,
  });
  if (found.isError && !found.data) return <Failed error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="events" />;
  const all = found.data.pages.flatMap(page => page.events);
  const total = found.data.pages[0]?.total ?? 0;
  if (total === 0) {
    return (
      <Empty title="No events">
        <p>No span of this trace has events (logs).</p>
      </Empty>
    );
  }
  const text = filter.toLowerCase();
  const shown = text
    ? all.filter(event =>
        `${event.name} ${event.attributes.map(tag => `${tag.key}=${tagText(tag)}`).join(' ')}`.toLowerCase().includes(text),
      )
    : all;
  return (
    <section className="view" aria-label="Events">
      <div className="view-bar">
        <strong>{plural(total, 'event')}</strong>
        {all.length < total && <span className="note">the first {count(all.length)} are loaded</span>}
        <span className="top-space" />
        <input
          className="view-filter"
          aria-label="Filter events"
          placeholder="Filter what is loaded"
          value={filter}
          onChange={event => setFilter(event.target.value)}
        />
      </div>
      <div className="table-box view-scroll" tabIndex={0} role="region" aria-label="Events by time">
        <table className="table events">
          <thead>
            <tr>
              <th scope="col" className="number">
                After
              </th>
              <th scope="col">Span</th>
              <th scope="col">Event</th>
              <th scope="col">Fields</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((event, k) => {
              const i = findSpan(columns, event.spanID);
              const after = /^\d{1,20}$/.test(event.timeUnixNano) ? Number(BigInt(event.timeUnixNano) - columns.startUnixNano) : NaN;
              return (
                <tr key={k}>
                  <td className="number">{duration(after)}</td>
                  <td className="events-span">
                    {i >= 0 ? (
                      <button type="button" className="plain" onClick={() => showSpan(event.spanID)}>
                        <Swatch name={serviceOf(columns, i)} /> <T max={40}>{serviceOf(columns, i)}</T>{' '}
                        <span className="dim">
                          <T max={60}>{operationOf(columns, i)}</T>
                        </span>
                      </button>
                    ) : (
                      <code>{event.spanID.slice(0, 16)}</code>
                    )}
                  </td>
                  <td>
                    <T max={120}>{event.name || '(event)'}</T>
                  </td>
                  <td className="wide">
                    {event.attributes.slice(0, 12).map((tag, n) => (
                      <span key={n} className="event-field">
                        <span className="dim">
                          <T max={60}>{tag.key}</T>
                        </span>{' '}
                        <T max={160}>{tagText(tag)}</T>
                      </span>
                    ))}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
        {found.hasNextPage && (
          <div className="more">
            <button type="button" disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
              {found.isFetchingNextPage ? 'Loading…' : `${PAGE} more`}
            </button>
          </div>
        )}
      </div>
    </section>
  );
}
