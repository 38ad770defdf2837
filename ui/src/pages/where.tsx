// "Where is my trace?": what this server did with the spans that reached it, and what to look at when one is missing.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import * as api from '../api/client';
import { ApiError, ask } from '../api/http';
import type { Ledger, Reason } from '../api/types';
import { boot } from '../boot';
import { T } from '../lib/text';
import { ago, count, moment, percent, plural } from '../lib/time';
import { Icon } from '../parts/icon';
import { Failed, Loading } from '../parts/state';
import { isTraceId, traceUrl } from '../routes';
import '../styles/views.css';
import '../styles/where.css';

export default function WherePage() {
  const params = new URLSearchParams(useSearch());
  const id = params.get('trace') ?? '';
  useEffect(() => {
    document.title = 'Where is my trace? · Spoor';
  }, []);
  const ledger = useQuery({ queryKey: ['ledger'], queryFn: ({ signal }) => api.ledger(signal), refetchInterval: 5_000, retry: false });
  const { instance } = boot();
  return (
    <div className="page">
      <h1>Where is my trace?</h1>
      <p className="lead">
        Every span that reaches a collector is counted until it is durable, or until it is clear why not.
        {instance && ` These are those of ${instance.namespace}/${instance.name}.`}
      </p>
      <Ask id={id} ledger={ledger.data} />
      {ledger.isError ? (
        <Failed error={ledger.error} retry={() => void ledger.refetch()} />
      ) : ledger.data ? (
        <Numbers ledger={ledger.data} />
      ) : (
        <Loading what="the ledger" />
      )}
      <Elsewhere />
    </div>
  );
}

type Found = 'asking' | 'there' | 'missing' | 'failed';

function Ask({ id, ledger }: { id: string; ledger: Ledger | undefined }) {
  const [, navigate] = useLocation();
  const [text, setText] = useState(id);
  const ok = isTraceId(text.trim());
  const found = useQuery<Found>({
    queryKey: ['is-there', id],
    queryFn: async ({ signal }) => {
      try {
        await ask(`api/traces/${encodeURIComponent(id)}`, undefined, { signal });
        return 'there';
      } catch (error) {
        if (error instanceof ApiError && error.trouble === 'missing') return 'missing';
        throw error;
      }
    },
    enabled: isTraceId(id),
    retry: false,
  });
  const example = ledger?.examples.find(each => each.trace_id.replace(/^0+/, '') === id.toLowerCase().replace(/^0+/, ''));
  return (
    <section className="panel where-ask" aria-label="Ask for a trace">
      <form
        onSubmit={event => {
          event.preventDefault();
          if (ok) navigate(`/where?trace=${text.trim().toLowerCase()}`);
        }}
      >
        <label className="inline">
          <span>Trace ID</span>
          <input
            className="mono"
            value={text}
            placeholder="as the SDK or the log has it"
            spellCheck={false}
            onChange={event => setText(event.target.value)}
          />
        </label>
        <button type="submit" className="primary" disabled={!ok}>
          Look for it
        </button>
      </form>
      {id && (
        <div className="where-answer" role="status">
          {found.isFetching ? (
            'Looking…'
          ) : found.isError ? (
            <span className="bad">It could not be looked for: {found.error.message.slice(0, 300)}</span>
          ) : found.data === 'there' ? (
            <>
              It is here. <Link href={traceUrl(id)}>Open the trace</Link>
            </>
          ) : example ? (
            <>
              <strong className="bad">A span of it was turned away:</strong> <T max={300}>{`${example.reason}: ${example.detail}`}</T>
            </>
          ) : found.data === 'missing' ? (
            'It is not in the store. The numbers below say whether spans are being refused, set aside or lost; the list at the foot, where else a span may end.'
          ) : null}
        </div>
      )}
    </section>
  );
}

function Numbers({ ledger }: { ledger: Ledger }) {
  const sum = (list: Reason[]) => list.reduce((all, each) => all + each.spans, 0);
  const [refused, aside, lost] = [sum(ledger.refused), sum(ledger.set_aside), sum(ledger.lost)];
  const since = Date.parse(ledger.since);
  return (
    <>
      <h2>
        Spans{' '}
        {Number.isFinite(since) && (
          <span className="dim where-since">
            since {moment(since, 0)}, when this process began ({ago(since)})
          </span>
        )}
      </h2>
      {!ledger.here ? (
        <p className="notice">
          This process takes no spans: it only knows what was set aside. The collectors of this installation count what they receive (their
          metrics, and this page of an all-in-one).
        </p>
      ) : (
        <ul className="where-numbers">
          <Card label="Received" value={ledger.received} note="by a receiver, well-formed" />
          <Card
            label="Durable"
            value={ledger.durable}
            note={ledger.received ? `${percent(ledger.durable / ledger.received)} of them` : 'in the store'}
            tone="good"
          />
          <Card label="On their way" value={ledger.in_flight} note="being written now" />
          <Card label="Refused" value={refused} note="the sender was told" tone={refused ? 'bad' : undefined} />
          <Card label="Set aside" value={aside} note="as dead letters" tone={aside ? 'warn' : undefined} />
          <Card label="Lost" value={lost} note="nobody could be told" tone={lost ? 'bad' : undefined} />
        </ul>
      )}
      {refused + aside + lost > 0 ? (
        <div className="panel table-box">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">What became of them</th>
                <th scope="col">Reason</th>
                <th scope="col" className="number">
                  Spans
                </th>
              </tr>
            </thead>
            <tbody>
              {(
                [
                  ['Refused', ledger.refused],
                  ['Set aside', ledger.set_aside],
                  ['Lost', ledger.lost],
                ] as const
              ).flatMap(([name, list]) =>
                list.map((each, k) => (
                  <tr key={`${name}${k}`}>
                    <td>{name}</td>
                    <td>
                      <T max={200}>{each.reason}</T>
                      {each.letters ? <span className="dim"> in {plural(each.letters, 'dead letter')}</span> : null}
                    </td>
                    <td className="number">{count(each.spans)}</td>
                  </tr>
                )),
              )}
            </tbody>
          </table>
        </div>
      ) : (
        ledger.here && <p className="note">Nothing was refused, set aside or lost.</p>
      )}
      {ledger.turned_away.length > 0 && <TurnedAway all={ledger.turned_away} />}
      {ledger.examples.length > 0 && (
        <section>
          <h2>The last examples</h2>
          <div className="panel table-box" tabIndex={0} role="region" aria-label="The last examples">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">When</th>
                  <th scope="col">Span</th>
                  <th scope="col">Reason</th>
                  <th scope="col">Detail</th>
                </tr>
              </thead>
              <tbody>
                {ledger.examples.slice(0, 100).map((each, k) => (
                  <tr key={k}>
                    <td className="number">{moment(Date.parse(each.at), 0)}</td>
                    <td>
                      <T max={60}>{each.service || '–'}</T>{' '}
                      <span className="dim">
                        <T max={80}>{each.operation}</T>
                      </span>
                      {/^[0-9a-f]{1,32}$/.test(each.trace_id) && (
                        <>
                          {' '}
                          <Link href={traceUrl(each.trace_id)}>
                            <code>{each.trace_id.slice(0, 8)}</code>
                          </Link>
                        </>
                      )}
                    </td>
                    <td>
                      <T max={120}>{each.reason}</T>
                    </td>
                    <td className="where-detail">
                      <T max={400}>{each.detail}</T>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
    </>
  );
}

/** Whole requests: where they could not be read nobody knows how many spans they had. */
function TurnedAway({ all }: { all: Ledger['turned_away'] }) {
  return (
    <section>
      <h2>Requests that were turned away</h2>
      <p className="note">Their senders were told so. Where a request cannot be read, its spans are not among the numbers above.</p>
      <div className="panel table-box" tabIndex={0} role="region" aria-label="Requests that were turned away">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Last</th>
              <th scope="col">Receiver</th>
              <th scope="col">Reason</th>
              <th scope="col" className="number">
                Requests
              </th>
              <th scope="col">What the last sender was told</th>
            </tr>
          </thead>
          <tbody>
            {all.map(each => (
              <tr key={`${each.receiver} ${each.reason}`}>
                <td className="number">{moment(Date.parse(each.last), 0)}</td>
                <td>{each.receiver}</td>
                <td>{each.reason}</td>
                <td className="number">{count(each.requests)}</td>
                <td className="where-detail">
                  <T max={400}>{each.said}</T>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Card({ label, value, note, tone }: { label: string; value: number; note: string; tone?: 'good' | 'bad' | 'warn' }) {
  return (
    <li className={tone ? `card card-${tone}` : 'card'}>
      <span>{label}</span>
      <strong>{count(value)}</strong>
      <small>{note}</small>
    </li>
  );
}

function Elsewhere() {
  return (
    <section className="prose">
      <h2>It did not get here at all?</h2>
      <ul className="where-list">
        <li>
          <Icon name="right" />
          <span>
            <strong>Not sampled.</strong> The SDK decides first: a trace that it leaves out is never sent. Look for the sampled flag (the
            last two digits of <code>traceparent</code> are 01).
          </span>
        </li>
        <li>
          <Icon name="right" />
          <span>
            <strong>Sent elsewhere.</strong> The exporter names an address and a protocol: 4317 speaks gRPC, 4318 HTTP.{' '}
            <Link href="/welcome">The addresses of this server</Link>
          </span>
        </li>
        <li>
          <Icon name="right" />
          <span>
            <strong>Dropped before.</strong> An exporter whose queue is full drops spans, and says so in the log of the application or of
            the agent.
          </span>
        </li>
        <li>
          <Icon name="right" />
          <span>
            <strong>Another instance, another time.</strong> A search looks at one instance and at the time of the span's own clock, which
            may be wrong.
          </span>
        </li>
      </ul>
    </section>
  );
}
