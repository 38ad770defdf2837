// The browser: Debian's chromium, driven by playwright-core. SPOOR_CHROMIUM names another.
import { execFileSync } from 'node:child_process';
import { chromium } from 'playwright-core';

export function findChromium() {
  if (process.env.SPOOR_CHROMIUM) return process.env.SPOOR_CHROMIUM;
  try {
    return execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
  } catch {
    throw new Error('no chromium: install it (Debian: apt-get install chromium), or say where it is in SPOOR_CHROMIUM');
  }
}

export function launch() {
  return chromium.launch({
    executablePath: findChromium(),
    args: ['--no-sandbox', '--disable-gpu', '--js-flags=--expose-gc', '--enable-precise-memory-info', '--disable-dev-shm-usage'],
  });
}
