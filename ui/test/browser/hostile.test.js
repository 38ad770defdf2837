// Spans that try to do harm, on every page that shows them: nothing runs, nothing breaks, nothing is hidden.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hostileTrace, MARKUP } from '../fixture/hostile.js';
import { openBrowser } from './page.js';
import { startSpoor } from './server.js';

let spoor;
let browser;
const spans = hostileTrace(Date.now() * 1000 - 60e6);
const id = spans[0].traceId;

before(async () => {
  spoor = await startSpoor();
  await spoor.send(spans);
  browser = await openBrowser(spoor.base);
});
after(async () => {
  await browser?.close();
  await spoor?.stop();
});

test('the timeline and all details', async () => {
  const { page, close } = await browser.open(`/trace/${id}`);
  await page.locator('.row').nth(5).waitFor();
  assert.ok((await page.locator('h1').textContent()).includes(MARKUP.slice(0, 30)), 'markup is shown as it was sent');
  for (const name of ['bidi', 'control', 'links', 'one megabyte', 'ten thousand', 'events']) {
    await page.locator('.row', { hasText: name }).first().click();
    await page.locator('.detail .attributes-table').first().waitFor();
    await page.locator('.row', { hasText: name }).first().scrollIntoViewIfNeeded();
    const detail = page.locator('.detail').first();
    if (name === 'bidi') assert.ok((await detail.locator('.unseen', { hasText: 'RLO' }).count()) > 0);
    if (name === 'links') {
      const hrefs = await detail.locator('td a').evaluateAll(links => links.map(link => link.protocol));
      assert.deepEqual([...new Set(hrefs)].sort(), ['https:', 'mailto:']);
    }
    if (name === 'one megabyte') {
      assert.ok((await detail.textContent()).length < 60_000, 'a long value is cut');
      await page.getByRole('button', { name: /All of 1,000,000 characters/ }).click();
      await page.getByText('copying takes all').waitFor();
    }
    if (name === 'ten thousand') {
      assert.ok((await detail.locator('tr').count()) < 400, 'many attributes are shown in parts');
      await detail.getByLabel('Filter attributes').fill('attribute.9999');
      await detail.getByText('value 9999', { exact: true }).waitFor();
    }
    await page.locator('.row', { hasText: name }).first().click();
    await page.locator('.detail').first().waitFor({ state: 'detached' });
  }
  await close();
});

test('all other views and pages', async () => {
  for (const path of ['?view=flame', '?view=graph', '?view=statistics', '?view=spans', '?view=events', '?view=json']
    .map(view => `/trace/${id}${view}`)
    .concat('/search', '/dependencies?lookback=1h', '/monitor', `/trace/${id}...${id}`, `/search?service=${encodeURIComponent(MARKUP)}`)) {
    const { page, close } = await browser.open(path);
    await page.waitForLoadState('networkidle');
    assert.equal(await page.locator('img').count(), 0, path);
    await close();
  }
});

test('an address that tries to', async () => {
  for (const path of [
    `/search?service=${encodeURIComponent(MARKUP)}&tags=${encodeURIComponent('{"<b>":"<i>"}')}&sort=<x>&limit=zzz`,
    `/trace/${encodeURIComponent(MARKUP)}`,
    `/trace/${id}?uiFind=${encodeURIComponent(MARKUP)}&view=${encodeURIComponent(MARKUP)}`,
  ]) {
    const { page, close } = await browser.open(path);
    await page.waitForLoadState('networkidle');
    await close();
  }
});
