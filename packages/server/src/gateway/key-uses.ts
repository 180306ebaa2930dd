import type { KeyUses } from '../access/key-ring.ts'
import type { DataLayout } from '../layout.ts'
import { askControl } from './ask-control.ts'

type Reporting = { readonly layout: DataLayout; readonly everyMs: number; readonly signal: AbortSignal }

/** Tells control from time to time which keys were used; what it did not take is told again. @returns ends it */
export function reportKeyUses(uses: KeyUses, { layout, everyMs, signal }: Reporting): () => void {
  const report = async (): Promise<void> => {
    if (uses.size === 0) return
    const told = [...uses]
    const body = Object.fromEntries(told)
    const status = await askControl(layout, { method: 'POST', path: '/key-uses', body, signal })
    if (status < 300) for (const [id, at] of told) if (uses.get(id) === at) uses.delete(id)
  }
  const timer = setInterval(() => report().catch(() => {}), everyMs).unref()
  return () => clearInterval(timer)
}
