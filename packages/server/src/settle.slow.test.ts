import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'

/** Held by a heap that is quiet again, in MiB: before a burst of garbage, after it, and when it has been given back. */
const PROGRAM = `
import { settleMemoryWhenQuiet } from ${JSON.stringify(new URL('settle.ts', import.meta.url).href)}
const held = () => { const { heapTotal, external } = process.memoryUsage(); return (heapTotal + external) / 2 ** 20 }
const before = held()
let garbage = Array.from({ length: 200_000 }, (_, index) => ({ text: 'x'.repeat(100) + index }))
const after = held()
garbage = undefined
settleMemoryWhenQuiet()
setInterval(() => console.log(JSON.stringify({ before, after, now: held() })), 200)
`

test('a process that is quiet gives back what a burst left behind', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM])
  try {
    const seen: { readonly before: number; readonly after: number; readonly now: number }[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      seen.push(JSON.parse(line))
      const { before, after, now } = seen.at(-1)!
      if (now - before < (after - before) / 4) break
      expect(seen.length, `still ${now} MiB of ${after}`).toBeLessThan(100)
    }

    expect(seen[0]!.now - seen[0]!.before).toBeGreaterThan(16)
    expect(seen.length).toBeGreaterThan(1)
  } finally {
    child.kill()
  }
})
