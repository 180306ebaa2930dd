import { describe, expect, test } from 'vitest'
import { isTracing, loadConfig } from './config.ts'

test('what is not set has its default, what is set is read as its kind', () => {
  const config = loadConfig({
    MILLWRIGHT_PORT: '0',
    MILLWRIGHT_LOG: 'debug',
    MILLWRIGHT_RETENTION_DAYS: '0.5',
  })

  expect(config).toMatchObject({
    MILLWRIGHT_HOST: '127.0.0.1',
    MILLWRIGHT_PORT: 0,
    MILLWRIGHT_LOG: 'debug',
    MILLWRIGHT_RETENTION_DAYS: 0.5,
    MILLWRIGHT_MAX_BODY_BYTES: 16_777_216,
  })
})

test('every fault is said at once', () => {
  const env = {
    MILLWRIGHT_HOST: '',
    MILLWRIGHT_PORT: '65536',
    MILLWRIGHT_GATEWAYS: 'two',
    MILLWRIGHT_MAX_ROWS: '',
    MILLWRIGHT_DRAIN_MS: '1.5',
    MILLWRIGHT_RETENTION_DAYS: '-1',
    MILLWRIGHT_LOG: 'loud',
  }

  expect(() => loadConfig(env)).toThrowErrorMatchingInlineSnapshot(`
    [Error: invalid configuration
      MILLWRIGHT_HOST is ""; expected some text
      MILLWRIGHT_PORT is "65536"; expected a whole number from 0 to 65535
      MILLWRIGHT_GATEWAYS is "two"; expected a whole number from 1 to 256
      MILLWRIGHT_LOG is "loud"; expected one of debug, info, warn, error
      MILLWRIGHT_MAX_ROWS is ""; expected a whole number from 1
      MILLWRIGHT_RETENTION_DAYS is "-1"; expected a number that is not negative
      MILLWRIGHT_DRAIN_MS is "1.5"; expected a whole number from 0]
  `)
})

describe('variables of OpenTelemetry', () => {
  const foreign = { OTEL_TRACES_SAMPLER: 'jaeger_remote', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }
  const receiver = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }

  test.each([
    ['without a receiver', foreign],
    ['where traces go elsewhere', { ...foreign, ...receiver, OTEL_TRACES_EXPORTER: 'none' }],
    ['where they are switched off', { ...foreign, ...receiver, OTEL_SDK_DISABLED: 'true' }],
  ])('are for other programs %s', (_, env) => {
    const config = loadConfig(env)

    expect(config.OTEL_TRACES_SAMPLER).toBe('parentbased_always_on')
    expect(isTracing(config)).toBe(false)
  })

  test('are read where there is a receiver; an empty one is none', () => {
    const config = loadConfig({ ...receiver, OTEL_TRACES_SAMPLER: '', OTEL_BSP_MAX_QUEUE_SIZE: '10' })

    expect(isTracing(config)).toBe(true)
    expect(config).toMatchObject({
      OTEL_TRACES_SAMPLER: 'parentbased_always_on',
      OTEL_BSP_MAX_QUEUE_SIZE: 10,
    })
    expect(() => loadConfig({ ...foreign, ...receiver })).toThrow(
      'OTEL_EXPORTER_OTLP_PROTOCOL is "grpc"; expected one of http/protobuf, http/json',
    )
  })
})
