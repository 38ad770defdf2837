// A sentence at the foot of the page about what was just done; screen readers hear it.
import { useSyncExternalStore } from 'react';

interface Toast {
  text: string;
  bad: boolean;
}
let current: Toast | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function set(next: Toast | null): void {
  current = next;
  listeners.forEach(listener => listener());
}

export function toast(text: string, bad = false): void {
  clearTimeout(timer);
  set({ text, bad });
  timer = setTimeout(() => set(null), bad ? 10_000 : 4_000);
}

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(`Copied ${what}`);
  } catch {
    toast('The browser does not let this page copy: it has to be opened by https or on this computer', true);
  }
}

export function Toasts() {
  const shown = useSyncExternalStore(
    listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown && <p className={shown.bad ? 'toast toast-bad' : 'toast'}>{shown.text}</p>}
    </div>
  );
}
