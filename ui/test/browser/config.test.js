// The UI's configuration (--query.ui-config): menu and link patterns, filled with what strangers sent. Nothing but http, https and mailto is followed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe, openBrowser } from './page.js';
import { startSpoor } from './server.js';

const config = {
  menu: [
    { label: 'Runbooks', url: 'https://runbooks.example.com/?from=spoor', anchorTarget: '_self' },
    { label: 'Bad', url: 'javascript:window.hacked=1' },
    {
      label: 'Teams',
      items: [
        { label: 'Payments', url: 'https://teams.example.com/payments' },
        { label: 'Worse', url: 'data:text/html,<script>window.hacked=1</script>' },
        { label: 'Here', url: '/search?service=till&limit=7', anchorTarget: '_self' },
      ],
    },
  ],
  linkPatterns: [
    {
      type: 'traces',
      url: 'https://logs.example.com/?id=#{traceID}&from=#{startTime | epoch_micros_to_date_iso}',
      text: 'Logs of #{traceName}',
    },
    { type: 'process', key: 'host.name', url: 'https://hosts.example.com/#{host.name}/#{service.version}', text: 'Host #{host.name}' },
    { type: 'tags', key: 'order', url: 'https://orders.example.com/#{order}?tenant=#{tenant}', text: 'Order #{order}' },
    { type: 'tags', key: 'target', url: '#{target}', text: 'Open #{target}' },
    { type: 'tags', key: 'target', url: 'https://#{missing}.example.com', text: 'never shown' },
    { type: 'logs', key: 'code', value: 'E7', url: 'https://errors.example.com/#{code}/#{file}', text: 'About #{code}' },
    { key: 'anywhere', url: 'https://any.example.com/#{anywhere}', text: 'Any #{anywhere}' },
  ],
  search: { maxLookback: { label: '3 Hours', value: '3h' }, maxLimit: 30 },
  dependencies: { menuEnabled: false },
  tracking: { gaID: 'UA-000000-2', trackErrors: true },
};
const now = Date.now() * 1000;
const traceId = 'c0ffee00c0ffee00c0ffee00c0ffee01';
const order = 'a/b?c=1&d="<img src=x onerror=window.hacked=1>#é';
const span = (spanId, parentId, name, tags, events = []) => {
  return { traceId, spanId, parentId, name, kind: 2, service: 'till', start: now - 60e6, duration: 4000, tags, events, error: false };
};
const spans = [
  span('00000000000000a1', '', 'sell', { tenant: 'north & south' }),
  span('00000000000000a2', '00000000000000a1', 'pack', { order, target: 'javascript:window.hacked=1', anywhere: 'x y' }, [
    { time: now - 59.999e6, name: 'failed', fields: { code: 'E7', file: '../till.rs' } },
    { time: now - 59.998e6, name: 'failed', fields: { code: 'E8', file: 'other.rs' } },
  ]),
];

let spoor;
let browser;
before(async () => {
  spoor = await startSpoor([], { config });
  await spoor.send(spans);
  browser = await openBrowser(spoor.base);
});
after(async () => {
  await browser?.close();
  await spoor?.stop();
});

test('the menu leads where it was told to, and no script is of it', async () => {
  const { page, close } = await browser.open('/search?service=till');
  await page.locator('.trace').first().waitFor();
  const runbooks = page.getByRole('link', { name: 'Runbooks' });
  assert.equal(await runbooks.getAttribute('href'), 'https://runbooks.example.com/?from=spoor');
  assert.equal(await runbooks.getAttribute('target'), null);
  await page.locator('.menu summary', { hasText: 'Teams' }).click();
  const payments = page.getByRole('link', { name: 'Payments' });
  assert.equal(await payments.getAttribute('target'), '_blank');
  assert.match(await payments.getAttribute('rel'), /noreferrer/);
  assert.equal(await page.getByText(/Bad|Worse/).count(), 0);
  assert.equal(await page.locator('a[href^="javascript:" i], a[href^="data:" i]').count(), 0);
  assert.equal(await page.locator('.top nav').getByText('System').count(), 0, 'a page that is turned off is not in the menu');
  assert.deepEqual(await axe(page), []);
  await page.getByRole('link', { name: 'Here', exact: true }).click();
  await page.waitForURL(/limit=7/);
  await page.locator('.trace').first().waitFor();
  await close();
});

test('the menu has room on a phone', async () => {
  const { page, close } = await browser.open('/search?service=till', { viewport: { width: 390, height: 844 } });
  await page.locator('.menu summary', { hasText: 'Teams' }).click();
  for (const link of await page.locator('.top a').all()) {
    const box = await link.boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= 390, `${await link.textContent()} is cut`);
  }
  await close();
});

test('limits of the search', async () => {
  const { page, close } = await browser.open('/search?service=till&limit=500');
  const asked = page.waitForRequest(/trace-summaries/);
  await page.reload();
  assert.equal(new URL((await asked).url()).searchParams.get('limit'), '30');
  const times = await page.locator('#lookback option').allTextContents();
  assert.ok(times.includes('Last 2 hours') && times.includes('Last 3 Hours') && !times.includes('Last 6 hours'), times.join());
  await close();
});

test('patterns make links of traces, processes, tags and logs, each value escaped', async () => {
  const { page, close } = await browser.open(`/trace/${traceId}?uiFind=00000000000000a2`);
  const detail = page.locator('.detail');
  const href = name => detail.getByRole('link', { name }).first().getAttribute('href');
  await detail.getByRole('link', { name: /^Order/ }).waitFor();
  // the value of the tag is its own, the tenant that of the span above
  assert.equal(await href(/^Order/), `https://orders.example.com/${encodeURIComponent(order)}?tenant=north%20%26%20south`);
  assert.ok((await detail.textContent()).includes(`Order ${order}`), 'the text is as it was sent');
  assert.equal(await href(/^Any/), 'https://any.example.com/x%20y');
  await detail.locator('summary', { hasText: 'Resource' }).waitFor();
  assert.equal(await href(/^Host/), 'https://hosts.example.com/till-7c9/1.4.2');
  for (const event of await detail.locator('.event > summary').all()) await event.click();
  assert.equal(await href(/^About/), 'https://errors.example.com/E7/..%2Ftill.rs');
  assert.equal(await detail.getByRole('link', { name: /^About/ }).count(), 1, 'of another value there is no link');
  const targets = await detail.locator('a').evaluateAll(links => links.map(link => `${link.protocol} ${link.target} ${link.rel}`));
  for (const target of targets) assert.match(target, /^https: _blank .*noreferrer/);
  assert.equal(await detail.getByText(/never shown|^Open javascript/).count(), 0);
  assert.deepEqual(await axe(page), []);
  await page.locator('.trace-head .menu summary').click();
  const logs = await page.getByRole('link', { name: 'Logs of till: sell' }).getAttribute('href');
  assert.match(logs, new RegExp(`^https://logs\\.example\\.com/\\?id=${traceId}&from=\\d{4}-\\d\\d-\\d\\dT[\\d%A.]+Z$`));
  await close();
});
