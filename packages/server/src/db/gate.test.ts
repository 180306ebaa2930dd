import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createGate } from './gate.ts'

test('those that act together never meet one that acts alone, and all have their turn', async () => {
  const asked = fc.array(fc.record({ isAlone: fc.boolean(), fails: fc.boolean(), after: fc.nat(3) }), {
    maxLength: 12,
  })
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), asked, async (scheduler, acts) => {
      const gate = createGate()
      const [inside, mixed] = [new Set<{ isAlone: boolean }>(), [] as unknown[]]
      const act = (one: (typeof acts)[number]) => async () => {
        inside.add(one)
        for (let turn = 0; turn < one.after; turn++) await scheduler.schedule(Promise.resolve())
        if (inside.size > 1 && [...inside].some(({ isAlone }) => isAlone)) mixed.push([...inside])
        inside.delete(one)
        if (one.fails) throw new Error('no')
        return one
      }

      const all = acts.map((one) => (one.isAlone ? gate.alone(act(one)) : gate.together(act(one))))
      const results = await scheduler.waitFor(Promise.allSettled(all))

      expect(mixed).toEqual([])
      expect(results.map(({ status }) => status === 'rejected')).toEqual(acts.map(({ fails }) => fails))
    }),
  )
})
