// One way to ask the server. Each failure is named by what a person can do about it; redirects (to a login page, say) are not followed.
import { boot } from '../boot';

export type Trouble = 'offline' | 'timeout' | 'auth' | 'forbidden' | 'missing' | 'refused' | 'busy' | 'off' | 'server' | 'garbled';

export class ApiError extends Error {
  constructor(
    readonly trouble: Trouble,
    message: string,
    readonly status = 0,
  ) {
    super(message);
  }
}

const TIMEOUT_MS = 40_000;

export function apiUrl(path: string, params?: URLSearchParams): string {
  const query = params?.toString();
  return `${boot().base}/${path}${query ? `?${query}` : ''}`;
}

export interface Ask {
  method?: 'GET' | 'POST';
  body?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  timeoutMs?: number;
}

export async function ask(path: string, params?: URLSearchParams, options: Ask = {}): Promise<Response> {
  const limit = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  let response: Response;
  try {
    response = await fetch(apiUrl(path, params), {
      method: options.method ?? 'GET',
      body: options.body,
      headers: { Accept: 'application/json, application/vnd.spoor.skeleton', ...options.headers },
      credentials: 'same-origin',
      redirect: 'manual',
      signal,
    });
  } catch (error) {
    throw failure(error, limit, options.signal);
  }
  if (response.type === 'opaqueredirect' || response.status === 401) {
    throw new ApiError('auth', 'your session has ended, or this page needs a login', 401);
  }
  if (!response.ok) throw await refused(response);
  return response;
}

function failure(error: unknown, limit: AbortSignal, given?: AbortSignal): unknown {
  if (given?.aborted) return error;
  if (limit.aborted) return new ApiError('timeout', `no answer came within ${TIMEOUT_MS / 1000} s`);
  return new ApiError('offline', navigator.onLine ? 'the server cannot be reached' : 'this computer is offline');
}

async function refused(response: Response): Promise<ApiError> {
  const text = (await response.text().catch(() => '')).slice(0, 4000);
  const message = messageOf(text) || `the server answered ${response.status}`;
  return new ApiError(troubleOf(response.status, message), message, response.status);
}

export function messageOf(text: string): string {
  try {
    const json = JSON.parse(text) as { error?: { message?: unknown }; errors?: { msg?: unknown }[] };
    const message = json.error?.message ?? json.errors?.[0]?.msg;
    if (typeof message === 'string') return message;
  } catch {
    // not JSON: the text itself, unless it is a page
  }
  return /^\s*</.test(text) ? '' : text.trim();
}

export function troubleOf(status: number, message: string): Trouble {
  if (status === 403) return 'forbidden';
  if (status === 404) return 'missing';
  if (status === 501) return 'off';
  if (status === 504 || /deadline|timed? ?out|within query\./i.test(message)) return 'timeout';
  if (status === 429 || status === 503) return 'busy';
  return status >= 500 ? 'server' : 'refused';
}

export interface Answer<T> {
  body: T;
  partial: string | null;
}

/** A JSON answer, and why it is not all of it if it is not. */
export async function askJson<T>(path: string, params?: URLSearchParams, options?: Ask): Promise<Answer<T>> {
  const response = await ask(path, params, options);
  let body: unknown;
  try {
    body = await response.json();
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    throw new ApiError('garbled', `the answer of ${path} is not JSON: is there a proxy or a login page between?`, response.status);
  }
  if (typeof body !== 'object' || body === null) throw new ApiError('garbled', `the answer of ${path} is not an object`, response.status);
  const reason = (body as { partial?: { reason?: unknown } }).partial?.reason;
  const partial = typeof reason === 'string' ? reason : response.headers.get('Spoor-Partial');
  return { body: body as T, partial };
}

/** Whether the server is too old to know this path, as against "there is no such trace". */
export function isUnknownPath(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404 && /page not found/.test(error.message);
}
