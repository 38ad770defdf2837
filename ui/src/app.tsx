// Pages and their addresses. Search and trace are in the first load; the others come when they are opened.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { Component, lazy, Suspense, type ReactNode } from 'react';
import { Redirect, Route, Router, Switch, useLocation, useSearch } from 'wouter';
import { ApiError } from './api/http';
import { boot } from './boot';
import { Shell } from './parts/shell';
import { Empty, Failed, Loading } from './parts/state';
import { SearchPage } from './pages/search';

const TracePage = lazy(() => import('./pages/trace'));
const ComparePage = lazy(() => import('./pages/compare'));
const SystemPage = lazy(() => import('./pages/system'));
const MonitorPage = lazy(() => import('./pages/monitor'));
const WherePage = lazy(() => import('./pages/where'));
const WelcomePage = lazy(() => import('./pages/welcome'));

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      // what a second try can change: the network, a busy server
      retry: (tries, error) => tries < 1 && error instanceof ApiError && (error.trouble === 'busy' || error.trouble === 'offline'),
      networkMode: 'always',
    },
  },
});

export function App() {
  return (
    <QueryClientProvider client={client}>
      <Router base={boot().base}>
        <Shell>
          <Guard>
            <Suspense fallback={<Loading what="the page" />}>
              <Pages />
            </Suspense>
          </Guard>
        </Shell>
      </Router>
    </QueryClientProvider>
  );
}

function Pages() {
  return (
    <Switch>
      <Route path="/">
        <Redirect to="/search" replace />
      </Route>
      <Route path="/search">
        <SearchPage />
      </Route>
      <Route path="/trace/:id">
        {({ id }) => (id.includes('...') ? <ComparePage ids={id.toLowerCase()} /> : <TracePage id={id.toLowerCase()} key={id} />)}
      </Route>
      <Route path="/compare">
        <ComparePage ids="" />
      </Route>
      <Route path="/dependencies">
        <SystemPage />
      </Route>
      <Route path="/deep-dependencies">
        <AroundService />
      </Route>
      <Route path="/monitor">
        <MonitorPage />
      </Route>
      <Route path="/where">
        <WherePage />
      </Route>
      <Route path="/welcome">
        <WelcomePage />
      </Route>
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}

/** Jaeger's paths through a service: the system around it says who is on them. */
function AroundService() {
  const service = new URLSearchParams(useSearch()).get('service');
  return <Redirect to={`/dependencies${service ? `?${new URLSearchParams({ service }).toString()}` : ''}`} replace />;
}

function NotFound() {
  const [path] = useLocation();
  return (
    <Empty title="No page of that name" first>
      <p>
        There is nothing at <code>{path.slice(0, 200)}</code>. The pages are in the bar above.
      </p>
    </Empty>
  );
}

/** A mistake of a page ends that page alone: it says so, and leads back. */
class Guard extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown };
  static getDerivedStateFromError(error: unknown) {
    return { error };
  }
  override render() {
    if (this.state.error === null) return this.props.children;
    return <Failed error={this.state.error} retry={() => this.setState({ error: null })} />;
  }
}
