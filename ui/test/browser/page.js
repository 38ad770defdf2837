// A page under the strict policy, that tells what went wrong in it: errors, breaches of the policy, requests to elsewhere.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import assert from 'node:assert/strict';
import { launch } from './chromium.js';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'self'";

export async function openBrowser(base) {
  const browser = await launch();
  /** A page at this path. Every trouble ends the test in `close`. */
  const open = async (path, options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    const troubles = [];
    await context.exposeBinding('reportBreach', (_, text) => troubles.push(`policy: ${text}`));
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', event => window.reportBreach(`${event.violatedDirective} ${event.blockedURI}`));
    });
    await context.route('**/*', async route => {
      const request = route.request();
      if (new URL(request.url()).origin !== new URL(base).origin && /^https?:/.test(request.url())) {
        troubles.push(`request to elsewhere: ${request.url()}`);
        return route.abort();
      }
      if (request.resourceType() !== 'document') return route.continue();
      const response = await route.fetch();
      const headers = response.headers();
      if (!headers['content-security-policy']) headers['content-security-policy'] = CSP;
      return route.fulfill({ response, headers });
    });
    const page = await context.newPage();
    page.on('pageerror', error => troubles.push(`error: ${error.message}`));
    page.on('console', message => {
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) troubles.push(`console: ${message.text()}`);
    });
    await page.goto(base + path);
    const close = async () => {
      const hacked = await page.evaluate(() => window.hacked);
      await context.close();
      assert.equal(hacked, undefined, 'something of a span ran');
      assert.deepEqual(troubles, []);
    };
    return { page, close, troubles };
  };
  return { open, close: () => browser.close() };
}

/** What axe finds on the page, in words. */
export async function axe(page) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations.flatMap(each =>
    each.nodes.map(node => `${each.id}: ${node.html.slice(0, 140)} (${node.any[0]?.message ?? each.help})`),
  );
}
