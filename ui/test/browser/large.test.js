// Size: how long a large trace takes to be seen, how it scrolls, what it keeps in memory. The numbers are printed; they are held to their goals with
// SPOOR_MEASURE=1 alone, on a machine that does nothing else.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { largeTrace } from '../fixture/shop.js';
import { openBrowser } from './page.js';
import { startSpoor } from './server.js';

let spoor;
let browser;

const MEASURED = process.env.SPOOR_MEASURE === '1';

/** A goal of speed. */
function goal(isMet, text) {
  if (MEASURED) assert.ok(isMet, text);
}
const now = Date.now() * 1000;
const small = largeTrace(1000, now - 300e6, 3);
const large = largeTrace(120_000, now - 600e6, 7);

before(async () => {
  spoor = await startSpoor();
  await spoor.send(small);
  await spoor.send(large);
  browser = await openBrowser(spoor.base);
});
after(async () => {
  await browser?.close();
  await spoor?.stop();
});

/** ms from the last byte of the skeleton to the first frame with rows in it. */
async function timeToRows(page, id) {
  // the page's code is loaded before, so that the time is the trace's alone
  await page.evaluate(path => {
    const done = new Promise(resolve => {
      const seen = () => {
        if (!document.querySelector('.row')) return requestAnimationFrame(seen);
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now()), 0));
      };
      seen();
    });
    window.rowsAt = done;
    history.pushState(null, '', path);
    dispatchEvent(new PopStateEvent('popstate'));
  }, `/trace/${id}`);
  const at = await page.evaluate(() => window.rowsAt);
  const end = await page.evaluate(wanted => {
    const entries = performance.getEntriesByType('resource').filter(entry => entry.name.includes(wanted));
    return (entries.find(entry => entry.name.includes('/skeleton')) ?? entries[0]).responseEnd;
  }, id);
  return at - end;
}

for (const [name, spans, limit] of [
  ['1,000', small, 200],
  ['120,000', large, 2500],
]) {
  test(`a trace of ${name} spans is painted, as a goal within ${limit} ms of its data`, async t => {
    const { page, close } = await browser.open(`/trace/${small[0].traceId}?view=statistics`);
    await page.locator('.row-strong').first().waitFor();
    await page.goto(`${spoor.base}/compare`);
    await page.getByText('Compare two traces').first().waitFor();
    // chunks of the trace page
    await page.evaluate(id => (history.pushState(null, '', `/trace/${id}`), dispatchEvent(new PopStateEvent('popstate'))), 'deadbeef');
    await page.locator('[data-trouble=missing]').waitFor();
    // the best of three: other programs of the machine are not what is measured
    let ms = Infinity;
    for (let k = 0; k < (MEASURED ? 3 : 1) && ms > limit; k++) {
      ms = Math.min(ms, await timeToRows(page, spans[0].traceId));
      t.diagnostic(`${name} spans: ${ms.toFixed(0)} ms`);
      if (ms > limit) {
        await page.goto(`${spoor.base}/trace/deadbeef`);
        await page.locator('[data-trouble=missing]').waitFor();
      }
    }
    goal(ms <= limit, `${ms.toFixed(0)} ms`);
    await close();
  });
}

test('120,000 spans scroll, as a goal at 50 frames a second, and keep 400 MB at most', async t => {
  const { page, close } = await browser.open(`/trace/${large[0].traceId}`);
  await page.locator('.row').first().waitFor({ timeout: 30_000 });
  const scroll = () =>
    page.evaluate(async () => {
      const box = document.querySelector('.rows');
      const times = [];
      const begin = performance.now();
      await new Promise(resolve => {
        const step = now => {
          times.push(now);
          box.scrollTop += 140;
          if (performance.now() - begin < 3000) requestAnimationFrame(step);
          else resolve();
        };
        requestAnimationFrame(step);
      });
      return { fps: ((times.length - 1) * 1000) / (times.at(-1) - times[0]), rows: document.querySelectorAll('.row').length };
    });
  // the best of some: other programs of the machine are not what is measured
  let frames = { fps: 0, rows: 0 };
  for (let k = 0; k < (MEASURED ? 5 : 1) && frames.fps < 50; k++) {
    const next = await scroll();
    t.diagnostic(`${next.fps.toFixed(1)} frames a second, ${next.rows} rows in the page`);
    if (next.fps > frames.fps) frames = next;
  }
  assert.ok(frames.rows < 120);
  goal(frames.fps >= 50, `${frames.fps.toFixed(1)} frames a second`);
  for (const key of [']', '[', '+', 'r', 'c']) await page.keyboard.press(key);
  await page.locator('.row').nth(20).waitFor();
  const heap = (await page.evaluate(() => (window.gc?.(), performance.memory.usedJSHeapSize))) / 1e6;
  t.diagnostic(`heap ${heap.toFixed(0)} MB`);
  assert.ok(heap <= 400, `${heap.toFixed(0)} MB`);
  await page.getByRole('button', { name: 'Spans', exact: true }).click();
  await page.locator('.span-rows .span-row').first().waitFor();
  await page.getByRole('button', { name: 'Flame graph' }).click();
  await page.locator('.flame canvas').waitFor();
  await page.getByRole('button', { name: 'Statistics' }).click();
  await page.locator('.row-strong').first().waitFor();
  await close();
});

test('the first load is at most 260 kB', t => {
  const dist = join(fileURLToPath(import.meta.url), '../../../dist');
  const html = readFileSync(join(dist, 'index.html'), 'utf8');
  const names = [...html.matchAll(/(?:src|href)="\.\/(static\/[^"]+)"/g)].map(match => match[1]);
  // the search needs no more; a trace's page adds its chunk
  const trace = readdirSync(join(dist, 'static'))
    .filter(name => /^trace-.*\.(js|css)$/.test(name))
    .map(name => `static/${name}`);
  const size = list => list.reduce((sum, name) => sum + gzipSync(readFileSync(join(dist, name)), { level: 9 }).length, 0) / 1000;
  t.diagnostic(`first load ${size(names).toFixed(1)} kB gzip, with the page of a trace ${size([...names, ...trace]).toFixed(1)} kB`);
  assert.ok(size([...names, ...trace]) <= 260);
});
