import { expect, test } from 'vitest'
import { createRouter } from './router.ts'

const find = createRouter([
  ['/predict', 'default'],
  ['/predict/{name}', 'named'],
  ['/api/v1/deployments/{name}/predict', 'native'],
  ['/v1/models/{name}:predict', 'verb'],
  ['/v1/models/{name}/versions/{version}', 'version'],
])
const found = (url: string) => {
  const match = find(url)
  return match && [match.target, ...Object.values(match.params)]
}

test.each([
  ['/predict', ['default']],
  ['/predict?x=1', ['default']],
  ['/predict#x', ['default']],
  ['//predict', ['default']],
  ['/predict/churn', ['named', 'churn']],
  ['/predict/', ['named', '']],
  ['/pr%65dict/ch%75rn', ['named', 'churn']],
  ['/predict/%2541', ['named', '%41']],
  ['/predict/a%2Fb', ['named', 'a/b']],
  ['/api/v1//deployments/churn/predict?a=/b', ['native', 'churn']],
  ['/v1/models/churn:predict', ['verb', 'churn']],
  ['/v1/models/a:b:predict', ['verb', 'a:b']],
  ['/v1/models/churn/versions/3', ['version', 'churn', '3']],
  [`/predict/${'x'.repeat(128)}`, ['named', 'x'.repeat(128)]],
])('%s is found', (url, expected) => {
  expect(found(url)).toEqual(expected)
})

test.each([
  ...['/', '*', '', '/PREDICT', '/predict;a', '/predict/a/b', '/api/v1/deployments/churn/predict/'],
  ...['/api/v1/deployments/churn', `/predict/${'x'.repeat(129)}`, 'http://host/predict', '/v1/models/churn'],
])('%s is not', (url) => {
  expect(found(url)).toBeUndefined()
})

test('a malformed percent-encoding is told', () => {
  expect(() => find('/predict/%zz')).toThrow(URIError)
})
