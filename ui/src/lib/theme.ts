// Light, dark, or as the system says; kept in the browser. One store, so that canvases paint anew when it changes.
import { useSyncExternalStore } from 'react';

export type Choice = 'system' | 'light' | 'dark';

const KEY = 'spoor.theme';
const listeners = new Set<() => void>();
const system = typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: dark)') : null;

function read(): Choice {
  const kept = load(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

let choice: Choice = read();

/** Reads what was kept; browsers that keep nothing (a frame of another origin) are no error. */
export function load(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // it is asked again next time
  }
}

function apply(): void {
  if (choice === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  listeners.forEach(listener => listener());
}

export function startTheme(): void {
  system?.addEventListener('change', apply);
  apply();
}

export function setTheme(next: Choice): void {
  choice = next;
  keep(KEY, next);
  apply();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const isDark = () => choice === 'dark' || (choice === 'system' && system?.matches === true);

export function useDark(): boolean {
  return useSyncExternalStore(subscribe, isDark);
}

export function useTheme(): Choice {
  return useSyncExternalStore(subscribe, () => choice);
}
