import { describe, expect, test } from 'vitest'
import { type AccessPolicy, assertOwnOrigin } from './origin.ts'

const LOOPBACK: AccessPolicy = { boundToLoopback: true, loginRequired: false, allowedHosts: [] }
const NAMED: AccessPolicy = { ...LOOPBACK, allowedHosts: ['ml.example'] }
const OPEN_TO_ALL: AccessPolicy = { boundToLoopback: false, loginRequired: false, allowedHosts: [] }
const WITH_KEYS: AccessPolicy = { boundToLoopback: false, loginRequired: true, allowedHosts: [] }

function judge(policy: AccessPolicy, method: string, headers: Readonly<Record<string, string>>): string {
  try {
    assertOwnOrigin(method, { header: (name) => headers[name] }, policy)
    return 'taken'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('the name a request is sent to', () => {
  test.each([
    ['localhost:7600', 'taken', 'taken', 'taken', 'taken'],
    ['LOCALHOST', 'taken', 'taken', 'taken', 'taken'],
    ['app.localhost:7600', 'taken', 'taken', 'taken', 'taken'],
    ['127.0.0.1:7600', 'taken', 'taken', 'taken', 'taken'],
    ['[::1]:7600', 'taken', 'taken', 'taken', 'taken'],
    ['ml.example:7600', 'HOST_NOT_ALLOWED', 'taken', 'HOST_NOT_ALLOWED', 'taken'],
    ['evil.example', 'HOST_NOT_ALLOWED', 'HOST_NOT_ALLOWED', 'HOST_NOT_ALLOWED', 'taken'],
    ['10.1.2.3:7600', 'HOST_NOT_ALLOWED', 'HOST_NOT_ALLOWED', 'taken', 'taken'],
    ['[2001:db8::7]', 'HOST_NOT_ALLOWED', 'HOST_NOT_ALLOWED', 'taken', 'taken'],
    ['127.0.0.1.evil.example', 'HOST_NOT_ALLOWED', 'HOST_NOT_ALLOWED', 'HOST_NOT_ALLOWED', 'taken'],
    ['localhost.evil.example', 'HOST_NOT_ALLOWED', 'HOST_NOT_ALLOWED', 'HOST_NOT_ALLOWED', 'taken'],
    ['localhost:7600@evil.example', 'HOST_NOT_ALLOWED', 'HOST_NOT_ALLOWED', 'HOST_NOT_ALLOWED', 'taken'],
    ['0x7f.1', 'HOST_NOT_ALLOWED', 'HOST_NOT_ALLOWED', 'HOST_NOT_ALLOWED', 'taken'],
    ['', 'HOST_NOT_ALLOWED', 'HOST_NOT_ALLOWED', 'HOST_NOT_ALLOWED', 'taken'],
  ])('%s: on loopback %s, with a name allowed %s, open to all %s, with keys %s', (host, ...expected) => {
    const policies = [LOOPBACK, NAMED, OPEN_TO_ALL, WITH_KEYS]

    expect(policies.map((policy) => judge(policy, 'GET', { host }))).toEqual(expected)
  })

  test('where names are listed, keys do not make up for one that is not', () => {
    const policy = { ...WITH_KEYS, allowedHosts: ['ml.example'] }

    expect(judge(policy, 'GET', { host: 'other.example' })).toBe('HOST_NOT_ALLOWED')
  })

  test('a program of HTTP/1.0 names none', () => {
    expect(judge(LOOPBACK, 'POST', {})).toBe('taken')
  })
})

describe('the page a request comes from', () => {
  const host = 'localhost:7600'

  test.each([
    ['our own page', 'POST', { origin: 'http://localhost:7600' }, 'taken'],
    ['our own page behind TLS', 'POST', { origin: 'https://localhost:7600' }, 'taken'],
    ['a page of a name allowed', 'POST', { origin: 'https://ml.example' }, 'taken'],
    ['another site', 'POST', { origin: 'https://evil.example' }, 'FOREIGN_ORIGIN'],
    ['another port', 'POST', { origin: 'http://localhost:9999' }, 'FOREIGN_ORIGIN'],
    ['a sandboxed page', 'POST', { origin: 'null' }, 'FOREIGN_ORIGIN'],
    ['a file', 'POST', { origin: 'file://' }, 'FOREIGN_ORIGIN'],
    [
      'a link on another site',
      'GET',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      'taken',
    ],
    [
      'an image on another site',
      'GET',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
      'FOREIGN_ORIGIN',
    ],
    ['a program', 'POST', {}, 'taken'],
  ])('%s: %s with %o is %s', (_, method, headers, expected) => {
    expect(judge(NAMED, method, { host, ...headers })).toBe(expected)
  })
})
