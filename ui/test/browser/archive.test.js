// The archive: a trace is kept by its button, and is there when the store has let all others go.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { shopTrace } from '../fixture/shop.js';
import { axe, openBrowser } from './page.js';
import { startSpoor } from './server.js';

const now = Date.now() * 1000;
const kept = shopTrace(1, now);
const others = shopTrace(2, now - 1e6);
let spoor;
let browser;
before(async () => {
  spoor = await startSpoor(['--span.max-age=0', '--embedded.max-age=15s'], { store: 'embedded' });
  await spoor.send([...kept, ...others]);
  browser = await openBrowser(spoor.base);
});
after(async () => {
  await browser?.close();
  await spoor?.stop();
});

test('a trace is archived, and can be opened when others are gone', async t => {
  if (process.env.SPOOR_FIXTURE) return t.skip('the fixture server lets nothing go');
  const { page, close } = await browser.open(`/trace/${kept[0].traceId}`);
  await page.getByRole('button', { name: 'Archive', exact: true }).click();
  await page.getByText('Archived: this trace is kept').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Archived' }).isDisabled());
  await gone(others[0].traceId);
  await page.reload();
  await page
    .locator('.row')
    .nth(kept.length - 1)
    .waitFor();
  assert.ok(await page.getByRole('button', { name: 'Archived' }).isDisabled());
  await page.locator('.numbers dt', { hasText: 'Archived' }).waitFor();
  // its details come from the archive, too
  await page.locator('.row').nth(1).click();
  await page.locator('.attributes-table').first().waitFor();
  assert.deepEqual(await axe(page), []);
  await close();
});

test('what cannot be archived says why', async () => {
  const { page, close } = await browser.open(`/trace/${kept[0].traceId}`);
  await page.route('**/api/spoor/traces/*/skeleton*', async route => {
    const response = await route.fetch();
    const body = Buffer.from((await response.body()).toString('latin1').replace('"archived":true', '"archived":null'), 'latin1');
    await route.fulfill({ response, body });
  });
  const error = { data: null, errors: [{ code: 503, msg: 'the archive is full' }] };
  await page.route('**/api/archive/*', route => route.fulfill({ status: 503, json: error }));
  await page.reload();
  await page.getByRole('button', { name: 'Archive', exact: true }).click();
  await page.getByText('Not archived: the archive is full').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Archive', exact: true }).isEnabled());
  await close();
});

async function gone(id) {
  const until = Date.now() + 60_000;
  while (Date.now() < until) {
    const answer = await fetch(`${spoor.base}/api/traces/${id}`);
    if (answer.status === 404) return;
    await new Promise(resolve => setTimeout(resolve, 250));
  }
  throw new Error(`the store still has ${id}:\n${spoor.log()}`);
}
