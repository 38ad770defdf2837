// What a page shows when there is no answer, or not all of one: what happened, and what to do about it.
import type { ReactNode } from 'react';
import { ApiError, type Trouble } from '../api/http';
import { T } from '../lib/text';
import { Icon } from './icon';

const TITLES: Record<Trouble, string> = {
  offline: 'No connection',
  timeout: 'It took too long',
  auth: 'Log in again',
  forbidden: 'Not yours to see',
  missing: 'Not found',
  refused: 'The server does not understand this',
  busy: 'The server is busy',
  off: 'Not activated',
  server: 'The server failed',
  garbled: 'Not an answer of Spoor',
};

const ADVICE: Record<Trouble, string> = {
  offline: 'Check the network or the VPN. Nothing was lost: try again when it is back.',
  timeout: 'Ask for less: a shorter time, a service, a smaller limit. Or raise query.timeout.',
  auth: 'Reloading this page leads to the login, and back here.',
  forbidden: 'Whoever runs this server can grant it. You may also choose another instance.',
  missing: 'It may be too old and gone, not have arrived yet, or be of another instance.',
  refused: 'The message says which part. Change that, and ask again.',
  busy: 'Wait a moment and try again. If it stays so, tell whoever runs this server.',
  off: 'This server has nothing to answer it with.',
  server: 'Try again. If it stays so, the log of the server says more under the same message.',
  garbled: 'Something between this page and the server answers in its place.',
};

export function Failed({ error, retry, children }: { error: unknown; retry?: () => void; children?: ReactNode }) {
  const trouble = error instanceof ApiError ? error.trouble : 'garbled';
  const message = error instanceof Error ? error.message : String(error);
  return (
    <section className="state state-failed" role="alert" data-trouble={trouble}>
      <Icon name="warning" />
      <h2>{TITLES[trouble]}</h2>
      <p className="state-message">
        <T max={600}>{message}</T>
      </p>
      <p>{ADVICE[trouble]}</p>
      <div className="state-actions">
        {trouble === 'auth' ? (
          <button type="button" className="primary" onClick={() => location.reload()}>
            Log in again
          </button>
        ) : (
          retry && (
            <button type="button" onClick={retry}>
              Try again
            </button>
          )
        )}
        {children}
      </div>
    </section>
  );
}

export function Empty({ title, children, first = false }: { title: string; children?: ReactNode; first?: boolean }) {
  return (
    <section className="state">
      {first ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children}
    </section>
  );
}

export function Partial({ reason }: { reason: string }) {
  return (
    <p className="notice notice-partial" role="status">
      <Icon name="partial" />
      <span>
        <strong>Not all of it:</strong> <T max={600}>{reason}</T>
      </span>
    </p>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <div className="loading" role="status">
      <span className="loading-bar" aria-hidden />
      Loading {what}…
    </div>
  );
}
