// The HTML report in headless Chromium: no network, no console message, light and dark; sorting,
// filtering and the curve. Usage: page.mjs PAGE.html FOLDER_OF_PLAYWRIGHT [FOLDER_FOR_SCREENSHOTS]
import { createRequire } from 'module';
import path from 'path';

const [page_file, modules, shots] = process.argv.slice(2);
const { chromium } = createRequire(path.join(modules, 'x.js'))('playwright-core');
const problems = [];
const check = (ok, what) => { if (!ok) problems.push(what); };

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const backgrounds = [];
for (const colorScheme of ['light', 'dark']) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 1400 }, colorScheme, offline: true });
  const page = await context.newPage();
  page.on('console', (m) => problems.push(`console: ${m.text()}`));
  page.on('pageerror', (e) => problems.push(`error: ${e.message}`));
  page.on('request', (r) => { if (!/^(file|data):/.test(r.url())) problems.push(`network: ${r.url()}`); });
  await page.goto(`file://${path.resolve(page_file)}`);
  backgrounds.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
  if (shots) await page.screenshot({ path: path.join(shots, `report-${colorScheme}.png`), clip: { x: 0, y: 0, width: 1200, height: 840 } });

  const rows = page.locator('#outputs tbody tr');
  const total = await rows.count();
  const failed = await page.locator('#outputs tbody tr[data-failed="1"]').count();
  check(total > 3 && failed > 0 && failed < total, `rows: ${failed} of ${total} failed`);

  const column = (i) => page.$$eval('#outputs tbody tr', (all, k) => all.map((r) => Number(r.cells[k].dataset.v)), i);
  const heads = await page.$$eval('#outputs th', (all) => all.map((h) => h.textContent));
  const at = heads.indexOf('max abs');
  await page.locator('#outputs th button').nth(at).click();
  const up = await column(at);
  check(up.every((v, i) => i === 0 || up[i - 1] <= v), `ascending: ${up}`);
  await page.locator('#outputs th button').nth(at).click();
  const down = await column(at);
  check(down.every((v, i) => i === 0 || down[i - 1] >= v), `descending: ${down}`);

  await page.check('#failed');
  check((await page.locator('#outputs tbody tr:visible').count()) === failed, 'only failed rows stay');
  await page.uncheck('#failed');
  const name = await page.locator('#outputs tbody tr').first().locator('td').nth(2).textContent();
  await page.fill('#filter', name);
  const shown = await page.locator('#outputs tbody tr:visible').allTextContents();
  check(shown.length > 0 && shown.length < total && shown.every((t) => t.includes(name)), `filter: ${shown.length}`);

  check((await page.locator('#curve circle').count()) === total, 'a point for each output');
  check((await page.locator('#first-divergence').count()) === 1, 'the first divergence is marked');
  const layer = await page.locator('#outputs tbody tr').first().locator('td').nth(3).textContent();
  check(heads[3] === 'layer' && layer.length > 0, `the layer: ${heads[3]} ${layer}`);
  const tips = await page.$$eval('#curve title', (all) => all.map((t) => t.textContent));
  check(tips.every((t) => /, #\d+ \w+( '.*')?: max abs /.test(t)), `tooltips: ${tips[0]}`);
  const broken = await page.$$eval('img', (all) => all.filter((i) => !i.naturalWidth).length);
  check(broken === 0, `${broken} pictures do not load`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check(wide <= 0, `the page is ${wide} pixels too wide`);
  await page.$$eval('details', (all) => all.forEach((d) => { d.open = true; }));
  await page.setViewportSize({ width: 400, height: 900 });
  const narrow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check(narrow <= 0, `the page is ${narrow} pixels too wide for a telephone`);
  await context.close();
}
check(backgrounds[0] !== backgrounds[1], 'light and dark look the same');
await browser.close();
problems.forEach((p) => console.error(p));
console.log(`page: ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
