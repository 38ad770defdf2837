// All that is known of one span, below its row. Details come when they are asked for; every value is text.
import { useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import type { Detail as SpanDetail, Log } from '../../api/types';
import { boot } from '../../boot';
import type { Scope } from '../../lib/links';
import { T } from '../../lib/text';
import { count, duration, plural } from '../../lib/time';
import { Icon } from '../../parts/icon';
import { copy } from '../../parts/toast';
import { absolute, isTraceId, traceUrl } from '../../routes';
import { findSpan, KINDS, operationOf, serviceOf, spanId } from '../../trace/columns';
import { tagText } from '../../trace/jaeger';
import { above } from '../../trace/tree';
import { Attributes, short } from './attributes';
import type { Model } from './model';

/** Most spans above one whose values its links take. */
export const ABOVE = 60;

interface Props {
  model: Model;
  i: number;
  top: number;
  onHeight: (height: number) => void;
  onClose: (i: number) => void;
  goTo: (i: number, withDetail?: boolean) => void;
}

export function Detail({ model, i, top, onHeight, onClose, goTo }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const report = useRef(onHeight);
  useEffect(() => {
    report.current = onHeight;
  });
  useEffect(() => {
    const observer = new ResizeObserver(() => box.current && report.current(box.current.offsetHeight));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const { columns } = model;
  const detail = model.details.get(i);
  const error = model.details.error(i);
  const id = spanId(columns, i);
  return (
    <div className="detail" ref={box} style={{ top }} role="row" aria-label={`Details of span ${id}`}>
      <div role="gridcell" aria-colindex={1} className="detail-cell">
        <header className="detail-head">
          <h2>
            <T max={400}>{operationOf(columns, i) || '(no name)'}</T>
          </h2>
          <span className="dim">
            <T max={100}>{serviceOf(columns, i)}</T>
          </span>
          <span className="top-space" />
          <button
            type="button"
            className="ghost"
            onClick={() => void copy(location.origin + absolute(traceUrl(columns.traceId, { uiFind: id })), 'a link to this span')}
          >
            <Icon name="link" /> Link
          </button>
          {detail && (
            <button type="button" className="ghost" onClick={() => void copy(JSON.stringify(detail, null, 2), 'the span as JSON')}>
              <Icon name="copy" /> JSON
            </button>
          )}
          <button type="button" className="ghost" aria-label="Close details" onClick={() => onClose(i)}>
            <Icon name="close" />
          </button>
        </header>
        <dl className="numbers">
          <div>
            <dt>Began after</dt>
            <dd>{duration(columns.start[i]!)}</dd>
          </div>
          <div>
            <dt>Duration</dt>
            <dd>{duration(columns.duration[i]!)}</dd>
          </div>
          <div>
            <dt>Self time</dt>
            <dd>{duration(model.selfTimes[i]!)}</dd>
          </div>
          {columns.kind[i] !== 0 && (
            <div>
              <dt>Kind</dt>
              <dd>{KINDS[columns.kind[i]!]}</dd>
            </div>
          )}
          <div>
            <dt>Span ID</dt>
            <dd>
              <code>{id}</code>
            </dd>
          </div>
        </dl>
        {error ? (
          <p className="notice">
            <T max={400}>{error}</T>{' '}
            <button type="button" onClick={() => model.details.retry(i)}>
              Try again
            </button>
          </p>
        ) : detail ? (
          <Body model={model} i={i} detail={detail} goTo={goTo} />
        ) : (
          <p className="note" role="status">
            Loading details…
          </p>
        )}
      </div>
    </div>
  );
}

function Body({ model, i, detail, goTo }: { model: Model; i: number; detail: SpanDetail; goTo: Props['goTo'] }) {
  const patterns = boot().uiConfig.linkPatterns;
  const [json, setJson] = useState(false);
  const upper = patterns.length > 0 ? above(model.tree, i, ABOVE).flatMap(up => model.details.get(up) ?? []) : [];
  const scope = { spans: [detail, ...upper], trace: model.values };
  return (
    <>
      {detail.warnings.length > 0 && (
        <ul className="detail-warnings">
          {detail.warnings.slice(0, 50).map((warning, k) => (
            <li key={k}>
              <Icon name="warning" /> <T max={1000}>{warning}</T>
            </li>
          ))}
        </ul>
      )}
      <div className="detail-columns">
        <Attributes title="Attributes" tags={detail.tags} scope={scope} type="tags" patterns={patterns} open />
        <Attributes
          title="Resource"
          tags={detail.process.tags}
          scope={scope}
          type="process"
          patterns={patterns}
          open={detail.process.tags.length <= 12}
        />
      </div>
      {detail.logs.length > 0 && <Events model={model} detail={detail} scope={scope} />}
      {detail.references.length > 0 && <References model={model} i={i} detail={detail} goTo={goTo} />}
      <details className="detail-part" onToggle={event => setJson(event.currentTarget.open)}>
        <summary>Raw JSON</summary>
        {json && (
          <pre className="json" tabIndex={0} role="region" aria-label="The span as JSON">
            <T max={100_000}>{JSON.stringify(detail, null, 2)}</T>
          </pre>
        )}
      </details>
    </>
  );
}

function Events({ model, detail, scope }: { model: Model; detail: SpanDetail; scope: Scope }) {
  const [shown, setShown] = useState(50);
  const origin = Number(model.columns.startUnixNano / 1000n);
  return (
    <details className="detail-part" open={detail.logs.length <= 20}>
      <summary>
        Events <span className="dim">{count(detail.logs.length)}</span>
      </summary>
      {detail.logs.slice(0, shown).map((log, k) => (
        <Event key={k} log={log} after={(log.timestamp - origin) * 1000} scope={scope} />
      ))}
      {detail.logs.length > shown && (
        <button type="button" onClick={() => setShown(shown + 200)}>
          {count(detail.logs.length - shown)} more
        </button>
      )}
    </details>
  );
}

function Event({ log, after, scope }: { log: Log; after: number; scope: Scope }) {
  const named = log.fields.find(field => field.key === 'event');
  const rest = log.fields.filter(field => field !== named);
  return (
    <details className="event">
      <summary>
        <span className="event-time">{duration(after)}</span>
        <strong>
          <T max={200}>{named ? tagText(named) : '(event)'}</T>
        </strong>{' '}
        <span className="dim">{short(rest, 160)}</span>
      </summary>
      <Attributes title="Fields" tags={rest} beside={log.fields} scope={scope} type="logs" patterns={boot().uiConfig.linkPatterns} open />
    </details>
  );
}

function References({ model, i, detail, goTo }: { model: Model; i: number; detail: SpanDetail; goTo: Props['goTo'] }) {
  const mine = model.columns.traceId.replace(/^0+/, '');
  return (
    <details className="detail-part" open={detail.references.length > 1}>
      <summary>
        References <span className="dim">{plural(detail.references.length, 'span')}</span>
      </summary>
      <ul className="references">
        {detail.references.slice(0, 200).map((reference, k) => {
          const here = reference.traceID.toLowerCase().replace(/^0+/, '') === mine;
          const at = here ? findSpan(model.columns, reference.spanID) : -1;
          const type = reference.refType === 'FOLLOWS_FROM' ? 'follows from' : 'child of';
          return (
            <li key={k}>
              <span className="dim">{type}</span>{' '}
              {at >= 0 && at !== i ? (
                <button type="button" className="ghost" onClick={() => goTo(at, true)}>
                  <T max={80}>{serviceOf(model.columns, at)}</T> <T max={120}>{operationOf(model.columns, at)}</T>
                </button>
              ) : here ? (
                <span>a span that is not in the trace</span>
              ) : isTraceId(reference.traceID) ? (
                <Link href={traceUrl(reference.traceID.toLowerCase(), { uiFind: reference.spanID })}>
                  span of trace <code>{reference.traceID.slice(0, 32)}</code>
                </Link>
              ) : (
                <T max={80}>{reference.traceID}</T>
              )}{' '}
              <code className="dim">
                <T max={40}>{reference.spanID}</T>
              </code>
            </li>
          );
        })}
      </ul>
    </details>
  );
}
