import { existsSync, mkdirSync } from 'node:fs'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, ROOT, type Running, startMillwright } from '../support/millwright.ts'
import { CHROMIUM, FLAGS } from './chromium.ts'

const installed = existsSync(CHROMIUM)
if (!installed)
  console.warn(`skipped: ${CHROMIUM} is not installed (apt-get install --no-install-recommends chromium)`)

/** Screenshots for people to look at; not compared. */
const PICTURES = `${ROOT}/.cache/screenshots`

describe.skipIf(!installed)('the first page in a browser', () => {
  let server: Running
  let browser: Browser

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true })
    server = await startMillwright({ args: ['--deploy', 'examples/churn'] })
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
    await eventually(async () => (await fetch(`${server.url}/api/v1/deployments/churn`)).ok)
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })

  /** A page with an ear for errors and for requests that leave this server. */
  async function open(
    path: string,
    colorScheme: 'light' | 'dark',
    width = 1024,
  ): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on(
      'request',
      (request) => request.url().startsWith(server.url) || complaints.push(`foreign ${request.url()}`),
    )
    await page.goto(`${server.url}${path}`)
    return { page, complaints }
  }

  test.each(['light', 'dark'] as const)(
    'it shows what serves, without a complaint, in %s',
    async (scheme) => {
      const { page, complaints } = await open('/', scheme)

      await page.getByRole('row', { name: /churn/ }).waitFor()
      await page.screenshot({ path: `${PICTURES}/home-${scheme}.png`, fullPage: true })
      const faults = (await new AxeBuilder({ page }).analyze()).violations.map(
        ({ id, nodes }) => `${id}: ${nodes[0]?.html}`,
      )

      expect(faults).toEqual([])
      expect(complaints).toEqual([])
    },
  )

  test('it reviews the version that serves', async () => {
    const { page, complaints } = await open('/', 'light')

    await page.getByText('What a reviewer would ask about this version').click()
    await page.getByText('✔ dependencies: scikit-learn 1.3.2').waitFor()

    expect(await page.locator('#review li').allTextContents()).toHaveLength(5)
    expect(complaints).toEqual([])
    await page.context().close()
  })

  test('the form predicts', async () => {
    const { page } = await open('/', 'light')

    await page.getByLabel('days_since_last_order').fill('400')
    await page.getByRole('button', { name: 'Predict' }).click()

    await page
      .getByRole('status')
      .getByText(/from version 1 \(v2\)/)
      .waitFor()
  })

  test('the form says what is wrong with a value', async () => {
    const { page } = await open('/', 'light')

    await page.getByLabel('total_orders').fill('many')
    await page.getByRole('button', { name: 'Predict' }).click()

    await page
      .getByRole('status')
      .getByText(/\/row\/total_orders/)
      .waitFor()
  })

  test('it fits a telephone', async () => {
    const { page } = await open('/', 'light', 390)

    await page.getByRole('row', { name: /churn/ }).waitFor()
    await page.screenshot({ path: `${PICTURES}/home-phone.png`, fullPage: true })
    const overflow = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')

    expect(overflow).toBeLessThanOrEqual(0)
  })

  test.each(['light', 'dark'] as const)('the page of the API needs no internet, in %s', async (scheme) => {
    const { page, complaints } = await open('/docs', scheme)

    await page.getByText('/api/v1/deployments/{deployment}/predict').first().waitFor()
    await page.screenshot({ path: `${PICTURES}/docs-${scheme}.png` })
    const faults = (await new AxeBuilder({ page }).analyze()).violations.map(
      ({ id, nodes }) => `${id}: ${nodes[0]?.html}`,
    )

    expect(faults).toEqual([])
    expect(complaints).toEqual([])
  })
})
