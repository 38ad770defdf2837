// What the trace is, in two lines: its name and tools, and the numbers that say how large and how sound it is.
import { useEffect, useRef, useState } from 'react';
import { useLocation, useSearch } from 'wouter';
import * as api from '../../api/client';
import { boot } from '../../boot';
import { Dialog } from '../../parts/dialog';
import { Icon } from '../../parts/icon';
import { isEmbedded, OpenWhole } from '../../parts/shell';
import { copy, toast } from '../../parts/toast';
import { traceLinks } from '../../lib/links';
import { useKeys } from '../../lib/keys';
import { T, visible } from '../../lib/text';
import { count, duration, moment, nanoToMs, plural, zone } from '../../lib/time';
import { absolute, compareUrl, traceUrl } from '../../routes';
import { operationOf, serviceOf } from '../../trace/columns';
import type { Find } from './find';
import { KeyHelp } from './help';
import type { Model } from './model';
import { VIEWS, type View } from './views';

interface Props {
  id: string;
  model: Model;
  view: View;
  setView: (view: View) => void;
  find: Find;
  reload: () => void;
  reloading: boolean;
  help: boolean;
  setHelp: (open: boolean) => void;
}

export function Header({ id, model, view, setView, find, reload, reloading, help, setHelp }: Props) {
  const search = useSearch();
  const params = new URLSearchParams(search);
  const embedded = isEmbedded(search);
  const [collapsed, setCollapsed] = useState(params.get('uiTimelineCollapseTitle') === '1');
  const input = useRef<HTMLInputElement>(null);
  const views = useRef<HTMLElement>(null);
  useEffect(() => {
    views.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [view]);
  const { columns, tree } = model;
  const root = tree.roots[0] ?? 0;
  useKeys({
    '?': () => setHelp(true),
    '/': () => input.current?.focus(),
    Escape: () => find.setText(''),
  });
  const hideSummary = embedded && params.get('uiTimelineHideSummary') === '1';
  return (
    <header className="trace-head">
      <div className="trace-head-line">
        {embedded && (
          <button
            type="button"
            className="ghost"
            aria-expanded={!collapsed}
            aria-label="Numbers of the trace"
            onClick={() => setCollapsed(!collapsed)}
          >
            <Icon name={collapsed ? 'right' : 'down'} />
          </button>
        )}
        <h1 title={`${visible(serviceOf(columns, root))}: ${visible(operationOf(columns, root))}`}>
          <span>
            <T max={80}>{serviceOf(columns, root) || '(no name)'}</T>
          </span>{' '}
          <span className="trace-head-operation">
            <T max={160}>{operationOf(columns, root) || '(no name)'}</T>
          </span>
        </h1>
        <button
          type="button"
          className="ghost id mono"
          title={`Copy ${columns.traceId}`}
          onClick={() => void copy(columns.traceId, 'the trace id')}
        >
          {columns.traceId.replace(/^0+(?=.)/, '').slice(0, 12)}
          <Icon name="copy" />
        </button>
        <span className="top-space" />
        <FindBox find={find} input={input} shown={view === 'timeline' || view === 'flame' || view === 'spans'} />
        <button type="button" className="ghost" aria-label="Keys" title="Keys (?)" onClick={() => setHelp(true)}>
          <Icon name="keys" />
        </button>
        <Actions key={model.columns.fingerprint} id={id} model={model} reload={reload} reloading={reloading} />
        {embedded && <OpenWhole />}
      </div>
      {!hideSummary && !collapsed && <Numbers model={model} />}
      <nav className="views" aria-label="Views of the trace" ref={views}>
        {VIEWS.filter(([name]) => !model.source.local || name !== 'rawjson').map(([name, label]) => (
          <button key={name} type="button" aria-current={view === name ? 'page' : undefined} onClick={() => setView(name)}>
            {label}
          </button>
        ))}
      </nav>
      {help && (
        <Dialog title="Keys" onClose={() => setHelp(false)}>
          <KeyHelp />
        </Dialog>
      )}
    </header>
  );
}

function Numbers({ model }: { model: Model }) {
  const { columns, facts, tree } = model;
  const start = nanoToMs(columns.startUnixNano);
  return (
    <dl className="numbers">
      <div>
        <dt>Start</dt>
        <dd>
          {moment(start)} <span className="dim">{zone(new Date(start))}</span>
        </dd>
      </div>
      <div>
        <dt>Duration</dt>
        <dd>{duration(model.duration)}</dd>
      </div>
      <div>
        <dt>Spans</dt>
        <dd>{count(columns.n)}</dd>
      </div>
      <div>
        <dt>Services</dt>
        <dd>{count(facts.services)}</dd>
      </div>
      <div>
        <dt>Depth</dt>
        <dd>{count(tree.maxDepth)}</dd>
      </div>
      <div className={facts.errors ? 'bad' : undefined}>
        <dt>Errors</dt>
        <dd>{count(facts.errors)}</dd>
      </div>
      {facts.warnings > 0 && (
        <div className="warned">
          <dt>Warnings</dt>
          <dd>{count(facts.warnings)}</dd>
        </div>
      )}
      {(facts.orphans > 0 || tree.roots.length > 1) && (
        <div className="warned" title="Spans name a parent that is not there: it is still on its way, or was lost or sampled away">
          <dt>Incomplete</dt>
          <dd>
            {facts.orphans > 0
              ? `${plural(facts.orphans, 'span')} without ${facts.orphans === 1 ? 'its' : 'their'} parent`
              : `${tree.roots.length} roots`}
          </dd>
        </div>
      )}
      {columns.archived && (
        <div>
          <dt>Archived</dt>
          <dd>
            <Icon name="archive" /> yes
          </dd>
        </div>
      )}
      {model.source.raw && (
        <div className="warned">
          <dt>Times</dt>
          <dd>unadjusted</dd>
        </div>
      )}
    </dl>
  );
}

function FindBox({ find, input, shown }: { find: Find; input: React.RefObject<HTMLInputElement | null>; shown: boolean }) {
  if (!shown) return null;
  const has = find.marks !== null;
  return (
    <div className="find" role="search" aria-label="Find spans">
      <Icon name="search" />
      <input
        ref={input}
        aria-label="Find spans"
        title={'Words stand for "and", -word for "not", "two words" for a phrase'}
        placeholder="Find…"
        value={find.text}
        onChange={event => find.setText(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Enter') find.go(event.shiftKey ? -1 : 1);
          if (event.key === 'Escape') {
            find.setText('');
            event.currentTarget.blur();
          }
        }}
      />
      <output
        aria-live="polite"
        className={find.error || (has && find.found.length === 0) ? 'bad' : undefined}
        title={find.error ?? undefined}
      >
        {find.error
          ? 'failed'
          : find.searching
            ? '…'
            : has
              ? find.found.length
                ? `${count(find.at + 1)}/${count(find.found.length)}`
                : 'none'
              : ''}
      </output>
      {has && (
        <>
          <button type="button" className="ghost" aria-label="Previous match" onClick={() => find.go(-1)}>
            <Icon name="up" />
          </button>
          <button type="button" className="ghost" aria-label="Next match" onClick={() => find.go(1)}>
            <Icon name="down" />
          </button>
          <button
            type="button"
            className="ghost"
            aria-pressed={find.only}
            title="Show the found spans and what leads to them, only"
            aria-label="Show found spans only"
            onClick={() => find.setOnly(!find.only)}
          >
            <Icon name="filter" />
          </button>
        </>
      )}
    </div>
  );
}

function Actions({ id, model, reload, reloading }: { id: string; model: Model; reload: () => void; reloading: boolean }) {
  const [, navigate] = useLocation();
  const [archiving, setArchiving] = useState(false);
  const [kept, setKept] = useState(model.columns.archived);
  const { uiConfig, archive } = boot();
  const mayArchive = (uiConfig.archive ?? archive) && archive && !model.source.local;
  const links = traceLinks(uiConfig.linkPatterns, model.values);
  const keepTrace = async () => {
    setArchiving(true);
    try {
      await api.archive(id);
      setKept(true);
      toast('Archived: this trace is kept beyond the retention of others');
    } catch (error) {
      toast(`Not archived: ${(error as Error).message}`, true);
    }
    setArchiving(false);
  };
  return (
    <>
      {mayArchive && (
        <button type="button" disabled={archiving || kept} onClick={() => void keepTrace()}>
          <Icon name="archive" />
          <span className="narrow-hidden">{kept ? 'Archived' : 'Archive'}</span>
        </button>
      )}
      <details className="menu">
        <summary className="button ghost" aria-label="More">
          •••
        </summary>
        <div className="menu-list">
          <button type="button" className="ghost" onClick={() => void copy(location.origin + absolute(traceUrl(id)), 'the link')}>
            Copy link
          </button>
          {!model.source.local && (
            <>
              <button type="button" className="ghost" disabled={reloading} onClick={reload}>
                {reloading ? 'Loading…' : 'Load again'}
              </button>
              <button type="button" className="ghost" onClick={() => navigate(compareUrl(id, ''))}>
                Compare with…
              </button>
              <button
                type="button"
                className="ghost"
                onClick={() => navigate(traceUrl(id, { raw: model.source.raw ? undefined : 'true' }))}
              >
                {model.source.raw ? 'Show adjusted times' : 'Show unadjusted times'}
              </button>
            </>
          )}
          {links.map((link, i) => (
            <a key={i} className="menu-link" href={link.href} target="_blank" rel="noreferrer">
              <T max={80}>{link.text}</T>
            </a>
          ))}
        </div>
      </details>
    </>
  );
}
