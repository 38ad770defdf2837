// Links that Kiali, Jaeger and people's tickets have: each opens the right view.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { shopTrace } from '../fixture/shop.js';
import { openBrowser } from './page.js';
import { startSpoor } from './server.js';

let spoor;
let browser;
const now = Date.now() * 1000;
const traces = Array.from({ length: 12 }, (_, i) => shopTrace(i + 1, now - (i + 1) * 60e6));
const one = traces.find(spans => spans.length > 6);

before(async () => {
  spoor = await startSpoor();
  await spoor.send(traces.flat());
  browser = await openBrowser(spoor.base);
});
after(async () => {
  await browser?.close();
  await spoor?.stop();
});

async function at(path, check) {
  const { page, close } = await browser.open(path);
  await check(page);
  await close();
}

test('the root leads to the search', () => at('/', async page => page.waitForURL(/\/search$/)));

test("Kiali's search of an application, with errors", () =>
  at(
    `/search?service=storefront&start=${now - 3600e6}&end=${now}&limit=100&tags=${encodeURIComponent('{"error":"true"}')}&minDuration`,
    async page => {
      await page.waitForLoadState('networkidle');
      assert.equal(await page.getByRole('combobox', { name: 'Tags' }).inputValue(), 'error=true');
      const wanted = traces.filter(spans => spans.some(span => span.error && span.service === 'storefront')).length;
      assert.equal(await page.locator('.trace').count(), wanted);
    },
  ));

test("Jaeger's search with a lookback, bare keys and operation=all", () =>
  at(
    `/search?end=${now}&limit=20&lookback=1h&maxDuration&minDuration&operation=all&service=storefront&start=${now - 3600e6}`,
    async page => {
      await page.locator('.trace').first().waitFor();
      assert.equal(await page.locator('.trace').count(), traces.length);
    },
  ));

test('traces by their ids', () =>
  at(`/search?traceID=${traces[0][0].traceId}&traceID=${traces[1][0].traceId}`, async page => {
    await page.locator('.trace').nth(1).waitFor();
    assert.equal(await page.locator('.trace').count(), 2);
  }));

test('a trace, in capitals and with a span to find', () =>
  at(`/trace/${one[0].traceId.toUpperCase()}?uiFind=${one[3].spanId}`, async page => {
    await page.locator('.row-match').waitFor();
    await page.locator('.detail').waitFor();
    assert.match(await page.locator('.detail').textContent(), new RegExp(one[3].spanId));
  }));

test('two traces', () =>
  at(`/trace/${traces[0][0].traceId}...${traces[1][0].traceId}`, async page => page.locator('.compare-head').nth(1).waitFor()));

test('embedded in another page', async () => {
  await at(`/trace/${one[0].traceId}?uiEmbed=v0&uiTimelineCollapseTitle=1&uiTimelineHideMinimap=1`, async page => {
    await page.locator('.row').first().waitFor();
    assert.equal(await page.locator('.top').count(), 0);
    assert.equal(await page.locator('.minimap').count(), 0);
    assert.equal(await page.locator('.trace-head .numbers').count(), 0);
    await page.getByRole('button', { name: 'Numbers of the trace' }).click();
    await page.locator('.trace-head .numbers').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Open in a tab of its own' }).getAttribute('href'), `/trace/${one[0].traceId}`);
  });
  await at(`/trace/${one[0].traceId}?uiEmbed=v0&uiTimelineHideSummary=1`, async page => {
    await page.locator('.minimap').waitFor();
    assert.equal(await page.locator('.trace-head .numbers').count(), 0);
  });
  await at('/search?service=storefront&uiEmbed=v0&uiSearchHideGraph=1', async page => {
    await page.locator('.trace').first().waitFor();
    assert.equal(await page.locator('.scatter, .search-side, .top').count(), 0);
  });
});

test('the pages of Jaeger', async () => {
  for (const [path, text] of [
    ['/dependencies', 'System'],
    ['/monitor', 'Monitor'],
    ['/compare', 'Compare two traces'],
  ]) {
    await at(path, async page => page.getByRole('heading', { name: text }).first().waitFor());
  }
  await at('/no-such-page', async page => page.getByText('No page of that name').waitFor());
});
