// Several instances in one Spoor, below the path of a proxy: each page stays in its own, and the switcher leads to another.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { shopTrace } from '../fixture/shop.js';
import { axe, openBrowser } from './page.js';
import { startSpoor } from './server.js';

const SHOP = '/jaeger/ns/shop/jaeger';
const BANK = '/jaeger/ns/bank/jaeger';
const now = Date.now() * 1000;
const traces = [1, 2, 3, 4, 5, 6].map(seed => shopTrace(seed, now - seed * 30e6));
const one = traces.find(spans => spans.length > 4);
let spoor;
let browser;
before(async () => {
  spoor = await startSpoor(['--query.base-path=/jaeger', '--instance.by-listener=otlp-http=shop/jaeger,zipkin=bank/jaeger'], {
    path: SHOP,
  });
  await spoor.send(traces.flat());
  const transfer = { timestamp: now - 60e6, duration: 5000, localEndpoint: { serviceName: 'vault' }, kind: 'SERVER' };
  await spoor.sendZipkin([{ ...transfer, traceId: 'bb00000000000001', id: 'bb00000000000001', name: 'transfer' }]);
  browser = await openBrowser(new URL(spoor.base).origin);
});
after(async () => {
  await browser?.close();
  await spoor?.stop();
});

/** Opens a page of an instance; every request of it, and every link on it, has to stay there. */
async function within(prefix, path, check) {
  const { page, close } = await browser.open(prefix + path);
  const strays = [];
  page.on('request', request => {
    const { pathname, protocol } = new URL(request.url());
    if (/^http/.test(protocol) && !pathname.startsWith(`${prefix}/`)) strays.push(pathname);
  });
  await check(page);
  const links = await page.locator('a[href]').evaluateAll(all => all.filter(link => !link.hash).map(link => link.pathname));
  assert.deepEqual(
    links.filter(link => !link.startsWith(`${prefix}/`)),
    [],
    `links of ${path} lead out of ${prefix}`,
  );
  assert.deepEqual(strays, [], `requests of ${path}`);
  await close();
}

test('all pages of an instance stay below its path', async t => {
  if (process.env.SPOOR_FIXTURE) return t.skip('the fixture server has one instance');
  const id = one[0].traceId;
  for (const [path, selector] of [
    ['/search?service=storefront', '.trace'],
    [`/trace/${id}`, '.row'],
    [`/trace/${id}?view=json`, '.view-json'],
    [`/trace/${id}?uiEmbed=v0`, '.row'],
    [`/trace/${id}...${traces[0][0].traceId}`, '.compare-head'],
    ['/dependencies?lookback=1h', '.graph-node'],
    ['/monitor?service=storefront', '.uplot canvas'],
    ['/where', '.card'],
    ['/welcome', '.welcome-code pre'],
  ]) {
    await within(SHOP, path, page => page.locator(selector).first().waitFor());
  }
});

test('clicks stay below it, too: search, trace, copied link, back', async t => {
  if (process.env.SPOOR_FIXTURE) return t.skip('the fixture server has one instance');
  await within(SHOP, '/', async page => {
    await page.waitForURL(`**${SHOP}/search`);
    await page.getByRole('button', { name: 'Find traces' }).click();
    await page.locator('.trace-title').first().click();
    await page.waitForURL(`**${SHOP}/trace/*`);
    await page.locator('.row').first().waitFor();
    await page.locator('.row').first().click();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Link', exact: true }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, new RegExp(`${SHOP}/trace/[0-9a-f]+\\?uiFind=[0-9a-f]{16}$`));
    await page.goBack();
    await page.locator('.trace').first().waitFor();
    await page.getByLabel('Open a trace by its id').fill(one[0].traceId);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**${SHOP}/trace/${one[0].traceId}`);
    await page.locator('.row').first().waitFor();
  });
});

test('the switcher leads to another instance, which knows nothing of the first', async t => {
  if (process.env.SPOOR_FIXTURE) return t.skip('the fixture server has one instance');
  const { page, close } = await browser.open(`${SHOP}/search?service=storefront`);
  const switcher = page.getByRole('combobox', { name: 'Instance' });
  await switcher.waitFor();
  assert.equal(await switcher.inputValue(), 'shop/jaeger');
  assert.deepEqual(await axe(page), []);
  await switcher.selectOption('bank/jaeger');
  await page.waitForURL(`**${BANK}/search`);
  await page.locator('.trace', { hasText: 'vault' }).waitFor();
  assert.equal(await page.locator('.trace').count(), 1);
  assert.equal(await page.getByRole('combobox', { name: 'Instance' }).inputValue(), 'bank/jaeger');
  await close();
  await within(BANK, `/trace/${one[0].traceId}`, page => page.locator('[data-trouble=missing]').waitFor());
});

test('an instance that is not there is told apart from an empty one', async t => {
  if (process.env.SPOOR_FIXTURE) return t.skip('the fixture server has one instance');
  const answer = await fetch(`${new URL(spoor.base).origin}/jaeger/ns/nobody/jaeger/api/services`);
  assert.equal(answer.status, 404);
  const { page, close } = await browser.open('/jaeger/');
  await page.getByRole('link', { name: /bank\/jaeger/ }).click();
  await page.waitForURL(`**${BANK}/**`);
  await close();
});
