import { expect, test } from 'vitest'
import { createRouter } from './router.ts'

const find = createRouter([
  ['/predict', 'default'],
  ['/predict/:name', 'named'],
  ['/api/v1/deployments/:name/predict', 'native'],
])
const found = (url: string) => {
  const match = find(url)
  return match && [match.target, match.name]
}

test.each([
  ['/predict', ['default', undefined]],
  ['/predict?x=1', ['default', undefined]],
  ['/predict#x', ['default', undefined]],
  ['//predict', ['default', undefined]],
  ['/predict/churn', ['named', 'churn']],
  ['/predict/', ['named', '']],
  ['/pr%65dict/ch%75rn', ['named', 'churn']],
  ['/predict/%2541', ['named', '%41']],
  ['/predict/a%2Fb', ['named', 'a/b']],
  ['/api/v1//deployments/churn/predict?a=/b', ['native', 'churn']],
  [`/predict/${'x'.repeat(128)}`, ['named', 'x'.repeat(128)]],
])('%s is found', (url, expected) => {
  expect(found(url)).toEqual(expected)
})

test.each([
  ...['/', '*', '', '/PREDICT', '/predict;a', '/predict/a/b', '/api/v1/deployments/churn/predict/'],
  ...['/api/v1/deployments/churn', `/predict/${'x'.repeat(129)}`, 'http://host/predict'],
])('%s is not', (url) => {
  expect(found(url)).toBeUndefined()
})

test('a malformed percent-encoding is told', () => {
  expect(() => find('/predict/%zz')).toThrow(URIError)
})
