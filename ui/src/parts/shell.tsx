// What is around each page: name, pages, the box for a trace's id, instances, theme, the configured menu. Embedded (uiEmbed=v0) nothing of it.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { boot } from '../boot';
import * as api from '../api/client';
import { safeHref } from '../lib/links';
import { setTheme, useTheme, type Choice } from '../lib/theme';
import { absolute, instanceUrl, traceUrl } from '../routes';
import type { MenuItem } from '../uiconfig';
import { Icon } from './icon';
import { Toasts } from './toast';

export function isEmbedded(search: string): boolean {
  return new URLSearchParams(search).get('uiEmbed') === 'v0';
}

export function Shell({ children }: { children: ReactNode }) {
  const embedded = isEmbedded(useSearch());
  const [path] = useLocation();
  useEffect(() => {
    // menus close when something else is done
    const close = (event: Event) => {
      for (const menu of document.querySelectorAll<HTMLDetailsElement>('details.menu[open], details.help[open]')) {
        if (!menu.contains(event.target as Node) || (event instanceof MouseEvent && (event.target as Element).closest('.menu-list *')))
          menu.open = false;
      }
    };
    addEventListener('click', close);
    addEventListener('focusin', close);
    return () => {
      removeEventListener('click', close);
      removeEventListener('focusin', close);
    };
  }, []);
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      {!embedded && <Top path={path} />}
      <Offline />
      <main id="main" tabIndex={-1} className={embedded ? 'embedded' : undefined}>
        {children}
      </main>
      <Toasts />
    </>
  );
}

/** Path, name, and the paths that are of it. */
const PAGES: [string, ReactNode, string][] = [
  ['/search', 'Search', 'search|trace/[^.]*$'],
  ['/compare', 'Compare', 'compare|trace/.*\\.\\.\\.'],
  ['/dependencies', 'System', 'dependencies'],
  ['/monitor', 'Monitor', 'monitor'],
  [
    '/where',
    <>
      Where<span className="nav-more"> is my trace</span>?
    </>,
    'where',
  ],
];

function Top({ path }: { path: string }) {
  const { uiConfig } = boot();
  const pages = PAGES.filter(
    ([to]) => (to !== '/dependencies' || uiConfig.dependencies) && (to !== '/monitor' || (uiConfig.monitor && boot().metrics !== false)),
  );
  return (
    <header className="top">
      <Link href="/search" className="brand" aria-label="Spoor: search">
        <svg viewBox="0 0 20 16" aria-hidden>
          <rect x="1" y="1.5" width="9" height="3" rx="1.5" />
          <rect x="5" y="6.5" width="10" height="3" rx="1.5" />
          <rect x="12" y="11.5" width="7" height="3" rx="1.5" />
        </svg>
        <span>Spoor</span>
      </Link>
      <nav aria-label="Pages">
        {pages.map(([to, label, pattern]) => (
          <Link key={to} href={to} aria-current={new RegExp(`^/(${pattern})`).test(path) ? 'page' : undefined}>
            {label}
          </Link>
        ))}
      </nav>
      <span className="top-space" />
      <Lookup />
      <Instances />
      {uiConfig.menu.map((entry, i) =>
        'items' in entry ? (
          <details className="menu" key={i}>
            <summary>{entry.label}</summary>
            <div className="menu-list">
              {entry.items.map((item, k) => (
                <MenuLink item={item} key={k} />
              ))}
            </div>
          </details>
        ) : (
          <MenuLink item={entry} key={i} />
        ),
      )}
      <ThemeSwitch />
    </header>
  );
}

function MenuLink({ item }: { item: MenuItem }) {
  const href = safeHref(item.url);
  if (!href) return null;
  return (
    <a className="menu-link" href={href} target={item.newTab ? '_blank' : undefined} rel="noreferrer">
      {item.label}
    </a>
  );
}

function Lookup() {
  const [, navigate] = useLocation();
  const [text, setText] = useState('');
  const [bad, setBad] = useState(false);
  return (
    <form
      role="search"
      aria-label="Trace ID"
      className="lookup"
      onSubmit={event => {
        event.preventDefault();
        const id = text.trim().toLowerCase().replace(/^0x/, '').replace(/-/g, '');
        const ok = /^[0-9a-f]{1,32}$/.test(id);
        setBad(!ok);
        if (ok) {
          navigate(traceUrl(id));
          setText('');
        }
      }}
    >
      <Icon name="search" />
      <input
        className="mono"
        aria-label="Open a trace by its id"
        aria-invalid={bad || undefined}
        title={bad ? 'A trace id has 1 to 32 hexadecimal digits' : undefined}
        placeholder="Trace ID"
        value={text}
        spellCheck={false}
        onChange={event => {
          setText(event.target.value);
          setBad(false);
        }}
      />
    </form>
  );
}

function Instances() {
  const { instance } = boot();
  const { data = [] } = useQuery({
    queryKey: ['instances'],
    queryFn: ({ signal }) => api.instances(signal),
    staleTime: 60_000,
    retry: false,
  });
  if (data.length < 2) return null;
  const current = instance ? `${instance.namespace}/${instance.name}` : '';
  return (
    <select
      className="instances"
      aria-label="Instance"
      value={current}
      onChange={event => {
        const chosen = data.find(each => `${each.namespace}/${each.name}` === event.target.value);
        if (chosen) location.assign(instanceUrl(chosen));
      }}
    >
      {!current && <option value="">default instance</option>}
      {data.map(each => (
        <option key={`${each.namespace}/${each.name}`}>{`${each.namespace}/${each.name}`}</option>
      ))}
    </select>
  );
}

const NEXT: Record<Choice, Choice> = { system: 'light', light: 'dark', dark: 'system' };
const SIGN = { system: 'auto', light: 'sun', dark: 'moon' } as const;

function ThemeSwitch() {
  const theme = useTheme();
  const text = theme === 'system' ? 'as the system' : theme;
  return (
    <button type="button" className="ghost" onClick={() => setTheme(NEXT[theme])} aria-label={`Theme: ${text}`} title={`Theme: ${text}`}>
      <Icon name={SIGN[theme]} />
    </button>
  );
}

function Offline() {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const update = () => setOnline(navigator.onLine);
    addEventListener('online', update);
    addEventListener('offline', update);
    return () => {
      removeEventListener('online', update);
      removeEventListener('offline', update);
    };
  }, []);
  return online ? null : (
    <p className="notice notice-offline" role="status">
      This computer is offline. What is shown stays; asking again has to wait.
    </p>
  );
}

/** Where an embedded page leads to: itself with everything around it, in a tab of its own. */
export function OpenWhole() {
  const [path] = useLocation();
  const params = new URLSearchParams(useSearch());
  for (const key of [...params.keys()]) if (key.startsWith('ui') && key !== 'uiFind') params.delete(key);
  const query = params.toString();
  const href = absolute(`${path}${query ? `?${query}` : ''}`);
  return (
    <a className="button ghost" href={href} target="_blank" rel="noreferrer" title="Open in a tab of its own">
      <Icon name="link" />
      <span className="hidden">Open in a tab of its own</span>
    </a>
  );
}
