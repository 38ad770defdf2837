// Every page and every view, on a real server: what it shows, what it leads to, and that axe has nothing to say.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { shopTrace } from '../fixture/shop.js';
import { axe, openBrowser } from './page.js';
import { has, startSpoor } from './server.js';

let spoor;
let browser;
const now = Date.now() * 1000;
const traces = Array.from({ length: 40 }, (_, i) => shopTrace(i + 1, now - (i + 1) * 20e6));
const checkouts = traces.filter(spans => spans[0].name === 'POST /checkout');
const failed = checkouts.find(spans => spans.some(span => span.error));
const fine = checkouts.find(spans => spans.every(span => !span.error));
const orphaned = shopTrace(900, now - 5e6).filter((_, i) => i !== 1);

before(async () => {
  spoor = await startSpoor();
  await spoor.send([...traces, orphaned].flat());
  browser = await openBrowser(spoor.base);
});
after(async () => {
  await browser?.close();
  await spoor?.stop();
});

async function at(path, check, options) {
  const { page, close } = await browser.open(path, options);
  await check(page);
  await close();
}

const clean = async page => assert.deepEqual(await axe(page), []);

test('the search lists what was sent, pages, sorts and leads to a trace', () =>
  at('/search?service=storefront&limit=10', async page => {
    await page.locator('.trace').nth(9).waitFor();
    assert.equal(await page.locator('.trace').count(), 10);
    const [legend, points] = [await page.locator('.scatter figcaption').boundingBox(), await page.locator('.scatter canvas').boundingBox()];
    assert.ok(legend.y + legend.height <= points.y, 'the legend covers points');
    await page.getByRole('button', { name: 'Next page' }).click();
    await page.locator('.trace').nth(19).waitFor();
    await page.locator('.results-head select').selectOption('-duration');
    await page.waitForURL(/sort=-duration/);
    await page.locator('.trace').nth(9).waitFor();
    // a trace stands where the longest of its spans that answer puts it
    const longest = spans => Math.max(...spans.filter(span => span.service === 'storefront').map(span => span.duration));
    const want = [...traces, orphaned].sort((a, b) => longest(b) - longest(a)).slice(0, 10);
    const links = await page.locator('.trace-title').evaluateAll(all => all.map(link => link.pathname.split('/').pop()));
    assert.deepEqual(
      links,
      want.map(spans => spans[0].traceId),
    );
    await clean(page);
    await page.getByRole('button', { name: 'Table' }).click();
    await page.locator('.trace-table tbody tr').first().waitFor();
    await clean(page);
    await page.locator('.trace-table a').first().click();
    await page.waitForURL(/\/trace\/[0-9a-f]+/);
    await page.locator('.row').first().waitFor();
  }));

test('the form writes its address, with keys suggested', () =>
  at('/search', async page => {
    await page.getByLabel('Service', { exact: true }).fill('paym');
    await page.getByRole('option', { name: 'payment' }).click();
    const tags = page.getByRole('combobox', { name: 'Tags' });
    await tags.fill('');
    await tags.pressSequentially('rpc.sys');
    await page.getByRole('option', { name: 'rpc.system' }).click();
    assert.equal(await tags.inputValue(), 'rpc.system=');
    await page.getByRole('option', { name: 'grpc' }).click();
    await page.getByRole('button', { name: 'Find traces' }).click();
    await page.waitForURL(/service=payment/);
    const params = new URL(page.url()).searchParams;
    assert.equal(params.get('tags'), '{"rpc.system":"grpc"}');
    assert.match(params.get('start'), /^\d{16}$/);
    await page.locator('.trace').first().waitFor();
    assert.equal(
      await page.locator('.trace').count(),
      Math.min(20, traces.filter(spans => spans.some(span => span.service === 'payment')).length),
    );
  }));

test('the query language is asked, and its errors are told', async () => {
  await at(`/search?q=${encodeURIComponent('service = "payment" and error')}`, async page => {
    await page.locator('.trace').first().waitFor();
    assert.equal(await page.locator('.trace.has-error').count(), await page.locator('.trace').count());
  });
  await at(`/search?q=${encodeURIComponent('status =')}`, async page => {
    await page.locator('[data-trouble=refused]').waitFor();
    assert.match(await page.locator('.state-message').textContent(), /character/);
    await clean(page);
  });
});

test('nothing found, a service that is not there, and no answer have words of their own', async () => {
  await at('/search?service=nobody', async page => {
    await page.getByText('No traces found').waitFor();
    await page.getByText('There is no service of the name').waitFor();
    await clean(page);
  });
  const states = [
    [503, '{"error":{"httpCode":503,"message":"nothing was found within query.search-timeout"}}', 'timeout'],
    [401, '', 'auth'],
    [500, '{"error":{"httpCode":500,"message":"the store is closed"}}', 'server'],
    [200, '<html>login</html>', 'garbled'],
  ];
  for (const [status, body, trouble] of states) {
    const { page, close } = await browser.open('/compare');
    await page.route('**/api/v3/trace-summaries*', route => route.fulfill({ status, body, contentType: 'text/plain' }));
    await page.getByRole('link', { name: 'Search', exact: true }).click();
    await page.locator(`[data-trouble=${trouble}]`).waitFor();
    await close();
  }
});

test('a cut answer is shown with its reason', async () => {
  const { page, close } = await browser.open('/compare');
  await page.route('**/api/v3/trace-summaries*', async route => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), partial: { reason: 'cut by query.max-traces' } } });
  });
  await page.getByRole('link', { name: 'Search', exact: true }).click();
  await page.getByText('cut by query.max-traces').waitFor();
  await close();
});

test('the timeline shows the tree, closes, opens and tells details', () =>
  at(`/trace/${failed[0].traceId}`, async page => {
    await page.locator('.row').first().waitFor();
    assert.equal(await page.locator('.row').count(), failed.length);
    await page.locator('.row-toggle').first().click();
    assert.equal(await page.locator('.row').count(), 1);
    await page.locator('.row-toggle').first().click();
    await page.locator('.row', { hasText: 'Charge' }).last().click();
    await page.getByText('CardDeclined').first().waitFor();
    assert.match(await page.locator('.detail').textContent(), /Self time/);
    await clean(page);
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await clean(page);
    await page.keyboard.press('Escape');
    await page.keyboard.press(']');
    assert.equal(await page.locator('.row').count(), 1);
    await page.keyboard.press('[');
    await page.locator('.row').nth(3).waitFor();
    await page.keyboard.press('+');
    await page.getByRole('button', { name: 'Show all' }).waitFor();
    await page.keyboard.press('r');
    await page.getByRole('button', { name: 'Show all' }).waitFor({ state: 'detached' });
  }));

test('finding marks spans and goes from one to the next', () =>
  at(`/trace/${fine[0].traceId}`, async page => {
    await page.locator('.row').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('redis -zzz');
    await page.waitForURL(/uiFind=redis/);
    await page.locator('.row-match').waitFor();
    const want = fine.filter(span => JSON.stringify(span).includes('redis')).length;
    assert.equal(await page.locator('.row-match, .row-found').count(), want);
    await page.getByRole('button', { name: 'Show found spans only' }).click();
    assert.ok((await page.locator('.row').count()) < fine.length);
  }));

test('a trace that has grown since it was loaded is said to have', async t => {
  if (!(await has(spoor.base, 'api/spoor/ledger'))) return t.skip('this server sends no skeletons');
  const { page, close } = await browser.open(`/trace/${fine[0].traceId}`);
  await page.locator('.row').first().waitFor();
  await page.route('**/find?*', route => route.fulfill({ json: { fingerprint: 'another', spans: [0] } }));
  await page.getByLabel('Find spans').last().fill('redis');
  await page.getByText('spans have arrived since').waitFor();
  await page.unroute('**/find?*');
  await page.getByRole('button', { name: 'Load again' }).click();
  await close();
});

test('every view of a trace shows something and is clean', async () => {
  const id = failed[0].traceId;
  for (const [view, selector] of [
    ['flame', '.flame canvas'],
    ['graph', '.graph-node'],
    ['statistics', '.row-strong'],
    ['spans', '.span-rows .span-row'],
    ['events', '.events tbody tr'],
    ['json', '.view-json'],
    ['rawjson', '.view-json'],
  ]) {
    await at(`/trace/${id}?view=${view}`, async page => {
      await page.locator(selector).first().waitFor();
      await clean(page);
    });
  }
});

test('statistics group by any attribute', () =>
  at(`/trace/${fine[0].traceId}?view=statistics`, async page => {
    await page.locator('.row-strong').first().waitFor();
    const by = page.getByRole('combobox', { name: 'Group by' });
    await by.fill('db.sys');
    await page.getByRole('option', { name: 'db.system' }).click();
    await page.getByRole('cell', { name: 'redis' }).waitFor();
  }));

test('two traces are compared', async () => {
  await at(`/trace/${fine[0].traceId}...${failed[0].traceId}`, async page => {
    await page.locator('.diff .span-rows .span-row').first().waitFor();
    assert.ok((await page.locator('.diff-removed').count()) > 0);
    await clean(page);
  });
  await at('/search?service=storefront', async page => {
    await page.locator('.trace input').nth(0).check();
    await page.locator('.trace input').nth(1).check();
    await page.getByRole('link', { name: 'Compare 2 traces' }).waitFor();
    await page.locator('.trace input').nth(2).check();
    await page.getByRole('link', { name: 'Compare 3 traces' }).click();
    await page.locator('.compare-head').first().waitFor();
    await page.getByRole('button', { name: 'Choose of 3' }).waitFor();
  });
});

test('the system is a graph and a table', () =>
  at('/dependencies?lookback=1h', async page => {
    await page.locator('.graph-node').first().waitFor();
    await clean(page);
    await page.getByRole('button', { name: /^storefront/ }).click();
    await page.waitForURL(/service=storefront/);
    await page.getByRole('button', { name: 'Table' }).click();
    await page.getByRole('cell', { name: 'payment' }).first().waitFor();
    await clean(page);
  }));

test('the monitor draws a service and leads to traces', () =>
  at('/monitor?service=storefront', async page => {
    await page.locator('.uplot canvas').first().waitFor();
    await page.getByRole('cell', { name: 'POST /checkout' }).waitFor();
    await clean(page);
    await page.getByRole('link', { name: 'slowest' }).first().click();
    await page.locator('.trace').first().waitFor();
  }));

test('a look-back of the address is shown though no list has it', async () => {
  for (const path of ['/monitor?service=storefront&lookback=3h', '/dependencies?lookback=3h']) {
    await at(path, async page => assert.equal(await page.getByLabel('Time').locator('option:checked').textContent(), 'Last 3 hours'));
  }
});

test('the legend of a graph says what was last while nobody points at it', () =>
  at('/monitor?service=storefront', async page => {
    await page.locator('.u-legend').first().waitFor();
    const values = await page.locator('.u-legend .u-value').allTextContents();
    assert.ok(values.length >= 8 && values.every(text => /\d/.test(text)), values.join(' | '));
  }));

test('the ledger counts, and knows whether a trace is here', async t => {
  if (!(await has(spoor.base, 'api/spoor/ledger'))) return t.skip('this server has no api/spoor/ledger');
  await at(`/where?trace=${fine[0].traceId}`, async page => {
    await page.getByText('It is here.').waitFor();
    await page.locator('.card').first().waitFor();
    await clean(page);
  });
});

test('the ledger shows requests that were turned away', async t => {
  if (!spoor.receiver) return t.skip('this server takes no spans');
  const answer = await fetch(`${spoor.receiver}/v1/traces`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"resourceSpans": [<b>',
  });
  assert.equal(answer.status, 400);
  await at('/where', async page => {
    const row = page.getByRole('region', { name: 'Requests that were turned away' }).getByRole('row').nth(1);
    await row.waitFor();
    assert.match(await row.textContent(), /otlp-http.*undecodable/);
    await clean(page);
  });
});

test('the first visit names the addresses', async t => {
  if (!(await has(spoor.base, 'api/spoor/receivers'))) return t.skip('this server has no api/spoor/receivers');
  await at('/welcome', async page => {
    await page.getByRole('tab', { name: 'Python' }).click();
    assert.match(await page.locator('.welcome-code pre').textContent(), /OTEL_EXPORTER_OTLP_ENDPOINT=https?:\/\/127\.0\.0\.1:\d+/);
    await clean(page);
  });
});

test('a trace that is not there says so', () =>
  at('/trace/deadbeef', async page => {
    await page.locator('[data-trouble=missing]').waitFor();
    await clean(page);
  }));

test('dark and narrow are clean, too', async () => {
  for (const path of [
    '/search?service=storefront',
    `/trace/${failed[0].traceId}`,
    '/dependencies?lookback=1h',
    '/where',
    '/monitor?service=storefront',
  ]) {
    await at(
      path,
      async page => {
        await page.waitForLoadState('networkidle');
        await clean(page);
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390, `${path} is wider than the screen`);
        const last = await page.locator('.top nav a').last().boundingBox();
        assert.ok(last.x + last.width <= 390, `the last page of the menu is cut on ${path}`);
        if (!path.startsWith('/trace/')) return;
        await page.keyboard.press('?');
        await page.getByRole('dialog').waitFor();
      },
      { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
    );
  }
});

test('a trace whose parent is missing is marked', () =>
  at('/search?service=storefront&limit=5', async page => {
    await page.locator('.mark-orphan').first().waitFor();
  }));

test('files of Jaeger, of OTLP and broken ones', () =>
  at('/search', async page => {
    const exported = await (await fetch(`${spoor.base}/api/traces/${fine[0].traceId}`)).text();
    const file = (name, text) => ({ name, mimeType: 'application/json', buffer: Buffer.from(text) });
    await page.getByRole('tab', { name: 'Files' }).click();
    const input = page.locator('input[type=file]');
    await input.setInputFiles(file('deep.json', '['.repeat(500_000)));
    await page.locator('.toast-bad', { hasText: '200 levels' }).waitFor();
    await input.setInputFiles(file('broken.json', exported.slice(0, 500)));
    await page.locator('.toast-bad', { hasText: 'broken.json: it is not JSON' }).waitFor();
    await input.setInputFiles(file('other.json', '{"a":1}'));
    await page.locator('.toast-bad', { hasText: 'holds no trace' }).waitFor();
    await input.setInputFiles(file('good.json', exported));
    await page.getByText('1 trace of files').waitFor();
    const { toOtlp } = await import('../fixture/shop.js');
    await input.setInputFiles(file('otlp.json', JSON.stringify(toOtlp(shopTrace(7777, now)))));
    await page.getByText('2 traces of files').waitFor();
    await page.locator('.trace-title').first().click();
    await page.locator('.row').nth(2).waitFor();
    await page.locator('.row').nth(1).click();
    await page.locator('.attributes-table').first().waitFor();
  }));
