export { asRefusal, HostFailure } from './failure.ts'
export { DEFAULT_HOST_LIMITS, type Host, type HostLimits, openHost, RUNTIME_PACKAGE } from './host.ts'
export { openRunner, type Runner } from './runner.ts'
