// The first visit: how to send a trace from each SDK, with the very addresses of this server; and a shop's traces at the press of a button.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import * as api from '../api/client';
import type { Receiver } from '../api/types';
import { boot } from '../boot';
import { plural } from '../lib/time';
import { Icon } from '../parts/icon';
import { Failed, Loading } from '../parts/state';
import { copy, toast } from '../parts/toast';
import { addressOf, SNIPPETS, type Endpoints } from './snippets';
import '../styles/views.css';
import '../styles/where.css';

export default function WelcomePage() {
  const receivers = useQuery({ queryKey: ['receivers'], queryFn: ({ signal }) => api.receivers(signal), staleTime: 60_000 });
  const services = useQuery({ queryKey: ['services'], queryFn: ({ signal }) => api.services(signal) });
  return (
    <div className="page">
      <h1>{services.data?.length ? 'How to send traces' : 'No traces yet. Send the first one'}</h1>
      <p className="lead">
        Spoor takes what OpenTelemetry, Jaeger and Zipkin send, at the ports where they send it. Traces appear here a moment after they
        arrive.
      </p>
      <Demo />
      {receivers.isError ? (
        <Failed error={receivers.error} retry={() => void receivers.refetch()} />
      ) : !receivers.data ? (
        <Loading what="the addresses" />
      ) : receivers.data.length === 0 ? (
        <p className="notice">
          This process takes no spans: send them to a collector of this installation. Whoever runs it knows the address.
        </p>
      ) : (
        <>
          <Snippets receivers={receivers.data} />
          <Table receivers={receivers.data} />
        </>
      )}
    </div>
  );
}

function Demo() {
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  if (!boot().demo) return null;
  const make = async () => {
    setBusy(true);
    try {
      const made = await api.demo();
      toast(`Made ${plural(made.traces, 'trace')} with ${plural(made.spans, 'span')}`);
      await queries.invalidateQueries();
      navigate('/search?lookback=1h');
    } catch (error) {
      toast(`The demo did not work: ${(error as Error).message}`, true);
    }
    setBusy(false);
  };
  return (
    <section className="panel welcome-demo" aria-label="Demo">
      <p>
        <strong>Just looking?</strong> A small shop's traces of the last hour, with its slow and failed orders, show what there is to see.
      </p>
      <button type="button" className="primary" disabled={busy} onClick={() => void make()}>
        {busy ? 'Making traces…' : 'Generate a demo shop'}
      </button>
    </section>
  );
}

function Snippets({ receivers }: { receivers: Receiver[] }) {
  const [chosen, setChosen] = useState(SNIPPETS[0]!.name);
  const snippet = SNIPPETS.find(each => each.name === chosen)!;
  const text = snippet.text(endpoints(receivers));
  return (
    <section aria-label="How to send">
      <h2>From your program</h2>
      <div className="panel">
        <div className="welcome-tabs" role="tablist" aria-label="SDK">
          {SNIPPETS.map(each => (
            <button key={each.name} type="button" role="tab" aria-selected={each.name === chosen} onClick={() => setChosen(each.name)}>
              {each.name}
            </button>
          ))}
        </div>
        <div className="welcome-code" role="tabpanel" aria-label={snippet.name}>
          <pre tabIndex={0}>{text}</pre>
          <button type="button" className="ghost" onClick={() => void copy(text, 'it')}>
            <Icon name="copy" /> Copy
          </button>
        </div>
      </div>
    </section>
  );
}

function endpoints(receivers: Receiver[]): Endpoints {
  const find = (protocol: string) => {
    const receiver = receivers.find(each => each.protocol === protocol);
    return receiver ? addressOf(receiver, location.hostname) : null;
  };
  return {
    grpc: find('otlp-grpc'),
    http: find('otlp-http'),
    zipkin: find('zipkin'),
    thrift: find('jaeger-thrift-http'),
    compact: find('jaeger-thrift-compact'),
  };
}

function Table({ receivers }: { receivers: Receiver[] }) {
  return (
    <section>
      <h2>All addresses</h2>
      <div className="panel table-box">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Protocol</th>
              <th scope="col">Address</th>
              <th scope="col">TLS</th>
            </tr>
          </thead>
          <tbody>
            {receivers.map((receiver, k) => (
              <tr key={k}>
                <td>{receiver.protocol}</td>
                <td>
                  <code>{addressOf(receiver, location.hostname).url}</code>
                </td>
                <td className={receiver.tls ? undefined : 'dim'}>{receiver.tls ? 'yes' : 'no'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
