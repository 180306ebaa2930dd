import { expect, test } from 'vitest'
import { createIdSource, timeOfId } from './ids.ts'

test('ids of one source sort in the order they were made, also when the clock goes back', () => {
  const times = [1000, 1000, 1000, 5000, 4000, 4000, 5001]
  const ids = createIdSource(() => times.shift() ?? 5001)

  const made = Array.from({ length: 10 }, () => ids.next('prd_'))

  expect(made).toEqual([...made].sort())
  expect(new Set(made).size).toBe(10)
})

test('an id is its prefix and 26 characters without I, L, O and U', () => {
  const id = createIdSource().next('prd_')

  expect(id).toMatch(/^prd_[0-9A-HJKMNP-TV-Z]{26}$/)
})

test('ids of two sources in the same millisecond differ', () => {
  const [a, b] = [createIdSource(() => 7), createIdSource(() => 7)]

  expect(a.next('')).not.toBe(b.next(''))
})

test.each([0, 1, 1_795_226_201_855, 2 ** 40, 2 ** 48 - 1])(
  'the time %i is read back from an id',
  (timeMs) => {
    const id = createIdSource(() => timeMs).next('req_')

    expect(timeOfId(id)).toBe(timeMs)
  },
)

test.each(['', 'order-17', '01M7XX3VQZ', 'prd_01M7XX3VQZ9W0E755G40PYXG1U', '91M7XX3VQZ9W0E755G40PYXG1J'])(
  'no time is read from "%s", which was made elsewhere',
  (id) => {
    expect(timeOfId(id)).toBeUndefined()
  },
)
