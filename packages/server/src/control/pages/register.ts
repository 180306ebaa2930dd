import type { FastifyInstance } from 'fastify'
import { PAGE } from '../docs.ts'
import { HOME_CSS, HOME_HTML, ICON_SVG } from './home.ts'
import { HOME_JS } from './home-script.ts'

/** Nothing is loaded from elsewhere, nothing is inline, nobody frames us. */
const POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

const FILES = {
  '/': ['text/html; charset=utf-8', HOME_HTML],
  '/assets/home.css': ['text/css; charset=utf-8', HOME_CSS],
  '/assets/home.js': ['text/javascript; charset=utf-8', HOME_JS],
  '/assets/icon.svg': ['image/svg+xml', ICON_SVG],
} as const

/** Serves the first page and what it needs. */
export function registerPages(app: FastifyInstance): void {
  for (const [path, [type, content]] of Object.entries(FILES))
    app.get(path, PAGE, (_request, reply) =>
      reply
        .header('content-type', type)
        .header('content-security-policy', POLICY)
        .header('x-content-type-options', 'nosniff')
        .header('cache-control', 'no-cache')
        .send(content),
    )
}
