import { formatPythonFloat, parsePythonFloat } from '@millwright/inference/python-float'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NumberLiteral } from './json-body.ts'
import { compileRespond } from './respond.ts'

const names = { version: 'v2', model: 'churn', deployment: 'eu' }

/** From CPython 3.11: `repr(float(x))`. */
const REPRS: readonly [number, string][] = [
  [1, '1.0'],
  [-0, '-0.0'],
  [0.1, '0.1'],
  [1e-5, '1e-05'],
  [0.0001, '0.0001'],
  [0.00012345, '0.00012345'],
  [1.5e-7, '1.5e-07'],
  [1e15, '1000000000000000.0'],
  [1e16, '1e+16'],
  [1.2345e22, '1.2345e+22'],
  [1e100, '1e+100'],
  [5e-324, '5e-324'],
  [1.7976931348623157e308, '1.7976931348623157e+308'],
  [123456789.125, '123456789.125'],
  [0.13373134534209968, '0.13373134534209968'],
]

test.each(REPRS)('%d is written as Python writes it', (value, repr) => {
  expect(formatPythonFloat(value)).toBe(repr)
})

test('every float survives being written and read', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (value) =>
      Object.is(parsePythonFloat(formatPythonFloat(value)), value),
    ),
  )
})

describe('in Python’s style', () => {
  const write = (template: Record<string, unknown>, values = {}) =>
    compileRespond(template, 'python').write({ ...names, ...values })

  test('keys are sorted, whole floats keep their point, a newline ends the text', () => {
    expect(write({ b: '$score', a: '$outcome' }, { score: 1, outcome: 1 })).toBe('{"a":1,"b":1.0}\n')
  })

  test('text outside ASCII is escaped, lone surrogates and DEL included', () => {
    const text = write({ x: '$input.x' }, { input: () => 'é🙂\ud800\u007f\n"' })

    expect(text).toBe('{"x":"\\u00e9\\ud83d\\ude42\\ud800\\u007f\\n\\""}\n')
  })

  test.each([
    ['12', '12'],
    ['-0', '0'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['1.50', '1.5'],
    ['1E5', '100000.0'],
    ['0.00001', '1e-05'],
  ])('the number %s of a request comes back as %s', (source, shown) => {
    expect(write({ x: '$input.x' }, { input: () => new NumberLiteral(source) })).toBe(`{"x":${shown}}\n`)
  })

  test('echoed objects are sorted by code point', () => {
    const value = { '🙂': 1, '\uffee': 2, b: { d: null, c: [true] } }

    expect(write({ x: '$input.x' }, { input: () => value })).toBe(
      '{"x":{"b":{"c":[true],"d":null},"\\uffee":2,"\\ud83d\\ude42":1}}\n',
    )
  })
})

describe('in plain style', () => {
  test('everything can be placed anywhere', () => {
    const template = compileRespond({
      id: '$id',
      of: ['$model', '$version', '$deployment'],
      is: { label: '$label', score: '$score', band: '$band', outcome: '$outcome' },
      constant: ['a', 1.5, null, true],
    })

    const text = template.write({ ...names, id: 'p1', label: 'yes', score: 0.25, band: 'low', outcome: 0 })

    expect(text).toBe(
      '{"id":"p1","of":["churn","v2","eu"],"is":{"label":"yes","score":0.25,"band":"low","outcome":0},"constant":["a",1.5,null,true]}',
    )
  })

  test('what there is not is null, what JSON has no number for is text', () => {
    const template = compileRespond({ a: '$band', b: '$input.gone', c: '$score' })

    expect(template.write({ ...names, score: Number.NaN })).toBe('{"a":null,"b":null,"c":"NaN"}')
  })
})

test('a place that does not exist is refused when the template is compiled', () => {
  expect(() => compileRespond({ a: '$probability' })).toThrow(/there is no "\$probability"; use \$score/)
})
