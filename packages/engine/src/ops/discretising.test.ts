import { expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { lowByte } from './discretising.ts'

test('numbers become bytes as on x86-64, in the columns of categories only', () => {
  // (unsigned char)x, compiled by gcc for x86-64
  const bytes = [
    [3, 3],
    [7.9, 7.9],
    [-0.5, 0],
    [-1, 255],
    [256, 0],
    [300, 44],
    [2 ** 31, 0],
    [-1e20, 0],
    [Number.NEGATIVE_INFINITY, 0],
    [Number.NaN, Number.NaN],
  ] as const

  const { ref, block } = bothForms(
    lowByte,
    { columns: Uint8Array.of(1, 0) },
    bytes.map(([value]) => [value, value]),
  )

  expect(ref.map(([first, second]) => [Number(first) + 0, second])).toEqual(
    bytes.map(([value, byte]) => [byte, value]),
  )
  expect(block).toEqual(ref)
})
