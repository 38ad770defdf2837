// The first visit: an empty store shows how to send a trace, and the built-in page offers a shop's traces.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe, openBrowser } from './page.js';
import { has, startSpoor } from './server.js';

let spoor;
let browser;
before(async () => {
  spoor = await startSpoor();
  browser = await openBrowser(spoor.base);
});
after(async () => {
  await browser?.close();
  await spoor?.stop();
});

test('an empty store leads to the first trace', async t => {
  if (!(await has(spoor.base, 'api/spoor/receivers'))) return t.skip('this server has no api/spoor/receivers');
  const { page, close } = await browser.open('/');
  await page.getByRole('heading', { name: /Send the first one/ }).waitFor();
  await page.locator('.welcome-code pre').waitFor();
  assert.deepEqual(await axe(page), []);
  if (process.env.SPOOR_UI === 'embedded') {
    await page.getByRole('button', { name: 'Generate a demo shop' }).click();
    await page.locator('.trace').nth(5).waitFor();
    await page.locator('.trace-title').first().click();
    await page.locator('.row').first().waitFor();
  }
  await close();
});
