// Links that Kiali, Jaeger and people's tickets have: each opens the right view.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { shopTrace } from '../fixture/shop.js';
import { axe, openBrowser } from './page.js';
import { startSpoor } from './server.js';

let spoor;
let browser;
const now = Date.now() * 1000;
const traces = Array.from({ length: 12 }, (_, i) => shopTrace(i + 1, now - (i + 1) * 60e6));
const one = traces.find(spans => spans.length > 6);
const another = traces.find(spans => spans !== one);

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

test("Jaeger's comparison with traces to choose from", async () => {
  const [a, b, c] = traces.map(spans => spans[0].traceId);
  const cohort = `cohort=${a}&cohort=${b}&cohort=${c}`;
  await at(`/trace/${a}...${b}?${cohort}`, async page => {
    await page.locator('.compare-head').nth(1).waitFor();
    await page.getByRole('button', { name: 'Choose of 3' }).click();
    await page.getByRole('radio', { name: new RegExp(`^B: .*${c.slice(0, 7)}`) }).check();
    await page.waitForURL(new RegExp(`${a}\\.\\.\\.${c}\\?${cohort}`));
    await page.locator('.compare-head', { hasText: c.slice(0, 7) }).waitFor();
    assert.deepEqual(await axe(page), []);
  });
  // one side alone: the list is there to choose the other
  await at(`/trace/...${b}?${cohort}`, async page => {
    await page.getByRole('radio', { name: new RegExp(`^A: .*${a.slice(0, 7)}`) }).check();
    await page.locator('.compare-head').nth(1).waitFor();
  });
  // one of them is gone
  await at(`/trace/${a}...?cohort=${a}&cohort=deadbeef&cohort=${b}`, async page => {
    await page.getByText('not there any more').waitFor();
    assert.ok(await page.getByRole('radio', { name: /^B: .*deadbee/ }).isDisabled());
  });
});

test('spans of traces, as Jaeger writes them into a search', async () => {
  const [first, second] = [one[1].spanId, one[3].spanId];
  await at(`/search?span=${first}%20${second}@${one[0].traceId}&traceID=${another[0].traceId}`, async page => {
    await page.locator('.trace').nth(1).waitFor();
    await page.locator('.trace-title[href*="uiFind"]').click();
    await page.locator('.detail').nth(1).waitFor();
    assert.equal(await page.locator('.row-match, .row-found').count(), 2);
    const shown = (await page.locator('.detail').allTextContents()).join();
    assert.ok(shown.includes(first) && shown.includes(second), shown);
  });
  // of several parameters each counts
  await at(`/trace/${one[0].traceId}?uiFind=${first}&uiFind=${second}`, async page => {
    await page.locator('.detail').nth(1).waitFor();
    assert.equal(await page.getByLabel('Find spans').last().inputValue(), `${first} ${second}`);
  });
});

test("Jaeger's paths through a service lead to what is around it", () =>
  at('/deep-dependencies?service=storefront&operation=x&hash=1', async page => {
    await page.waitForURL(/\/dependencies\?service=storefront$/);
    await page.locator('.graph-node').first().waitFor();
  }));

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
