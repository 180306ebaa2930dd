import { ERRORS } from '@millwright/contracts'
import type { FastifyInstance } from 'fastify'
import { buildOpenApi, type Door } from './openapi.ts'

/** Whoever may see what is deployed may see the pages. */
export const PAGE = { config: { permission: 'read' } } as const

/** Pages need nothing but themselves: no network, no other file. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'"

/** `/openapi.json`, and the same for people: `/docs` and `/docs/errors`. */
export function addPages(app: FastifyInstance, routes: readonly Door[]): void {
  const document = buildOpenApi(routes)
  const pages: Readonly<Record<string, () => string>> = {
    '/docs': () => routesPage(routes, document),
    '/docs/errors': errorsPage,
  }
  app.get('/openapi.json', PAGE, async () => document)
  for (const [path, render] of Object.entries(pages))
    app.get(path, PAGE, async (_, reply) =>
      reply.type('text/html; charset=utf-8').header('content-security-policy', POLICY).send(render()),
    )
}

type Operation = { parameters: { name: string; in: string; required: boolean; schema: unknown }[] } & {
  requestBody?: { content: Record<string, { schema?: unknown }> }
  responses: Record<string, { content: Record<string, { schema?: unknown }> }>
}

function routesPage(routes: readonly Door[], document: Record<string, unknown>): string {
  const paths = document.paths as Record<string, Record<string, Operation>>
  const tags = [...new Set(routes.map((route) => route.tag))].sort()
  const { schemas } = document.components as { schemas: Record<string, unknown> }
  const sections = tags.map((tag) => {
    const own = routes.filter((route) => route.tag === tag)
    const items = own.map((route) => routeItem(route, paths[route.path]![route.method.toLowerCase()]!))
    return `<section><h2>${escapeHtml(tag)}</h2>${items.join('')}</section>`
  })
  const named = Object.entries(schemas).map(
    ([name, schema]) =>
      `<details class="item" id="${escapeHtml(name)}"><summary><b>${escapeHtml(name)}</b></summary>${json(schema)}</details>`,
  )
  return page(
    'API',
    `<p>The same as a machine reads it: <a href="/openapi.json">/openapi.json</a> ·
    <a href="/docs/errors">errors</a></p><input type="search" placeholder="Search" aria-label="Search" autofocus>
    ${sections.join('')}<section><h2>schemas</h2>${named.join('')}</section>`,
  )
}

function routeItem(route: Door, operation: Operation): string {
  const parameters = operation.parameters.map(
    (parameter) =>
      `<tr><td><code>${escapeHtml(parameter.name)}</code></td><td>${parameter.in}${parameter.required ? '' : ', optional'}</td><td>${json(parameter.schema)}</td></tr>`,
  )
  const body = Object.entries(operation.requestBody?.content ?? {}).map(
    ([media, { schema }]) => `<h4>Body <small>${escapeHtml(media)}</small></h4>${schema ? json(schema) : ''}`,
  )
  const answers = Object.entries(operation.responses).flatMap(([status, { content }]) =>
    Object.entries(content).map(
      ([media, { schema }]) =>
        `<h4>${escapeHtml(status)} <small>${escapeHtml(media)}</small></h4>${schema ? json(schema) : ''}`,
    ),
  )
  return `<details class="item"><summary><span class="method ${route.method}">${route.method}</span>
    <code>${escapeHtml(route.path)}</code> <span>${escapeHtml(route.summary)}</span></summary>
    <p>Scope: <b>${route.permission}</b></p>
    ${parameters.length > 0 ? `<table>${parameters.join('')}</table>` : ''}${body.join('')}${answers.join('')}</details>`
}

/** A message with its parameters left open: `there is no model "{name}"`. */
const OPEN = new Proxy({}, { get: (_, key) => `{${String(key)}}` })

function errorsPage(): string {
  const items = Object.entries(ERRORS).map(([code, spec]) => {
    const message = (spec.message as (params: object) => string)(OPEN)
    const retry = 'retryable' in spec && spec.retryable ? ' · may succeed when sent again' : ''
    return `<section class="item" id="${code}"><h3><code>${code}</code> <small>${spec.status} ${escapeHtml(spec.title)}${retry}</small></h3><p>${escapeHtml(message)}</p></section>`
  })
  return page(
    'Errors',
    `<p>Every error is a problem document (RFC 9457) with one of these codes. <a href="/docs">API</a></p>
    <input type="search" placeholder="Search" aria-label="Search">${items.join('')}`,
  )
}

const json = (value: unknown): string =>
  `<pre>${escapeHtml(JSON.stringify(value, null, 2)).replaceAll(/#\/components\/schemas\/(\w+)/g, '<a href="#$1">$1</a>')}</pre>`

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escapeHtml = (text: string): string => text.replaceAll(/[&<>"]/g, (char) => ENTITIES[char]!)

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#ddd, #333); --soft: light-dark(#f6f6f4, #1d1f22) }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  background: light-dark(#fff, #131416); color: light-dark(#1b1b1b, #e6e6e6) }
a { color: light-dark(#0b5cad, #7ab7ff) }
code, pre { font: 13px/1.45 ui-monospace, monospace }
pre { background: var(--soft); padding: .6rem; overflow: auto; max-height: 24rem; margin: .2rem 0 }
input { font: inherit; width: 100%; padding: .5rem; box-sizing: border-box }
details.item, section.item { border-bottom: 1px solid var(--line); padding: .5rem 0 }
summary { cursor: pointer } summary span:last-child { opacity: .75 }
.method { display: inline-block; min-width: 4.2em; font-weight: 600 }
.item:target { background: var(--soft) } h4 { margin: .6rem 0 0 } small { font-weight: 400; opacity: .75 }
td { vertical-align: top; padding-right: 1rem }`

const SCRIPT = `
const items = [...document.querySelectorAll('.item')]
document.querySelector('input').addEventListener('input', ({ target }) => {
  const words = target.value.toLowerCase().split(/\\s+/)
  for (const item of items) {
    const text = (item.querySelector('summary') ?? item).textContent.toLowerCase()
    item.hidden = !words.every((word) => text.includes(word))
  }
})
const open = () => { const item = document.getElementById(location.hash.slice(1)); if (item) item.open = true }
addEventListener('hashchange', open); open()`

const page = (title: string, content: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Millwright · ${title}</title><style>${STYLE}</style></head>
<body><header><p><a href="/">Millwright</a></p></header><main><h1>Millwright · ${title}</h1>${content}</main><script>${SCRIPT}</script></body></html>`
