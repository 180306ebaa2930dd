import type { Config } from '../config.ts'
import { type AccessPolicy, isLoopback } from './origin.ts'

/** Who may call at all, as the configuration says. */
export function accessPolicyOf(config: Config): AccessPolicy {
  const { MILLWRIGHT_AUTH: auth, MILLWRIGHT_HOST: host, MILLWRIGHT_ALLOWED_HOSTS: hosts } = config
  const boundToLoopback = isLoopback(host)
  return {
    boundToLoopback,
    loginRequired: auth === 'required' || (auth === 'auto' && !boundToLoopback),
    allowedHosts: hosts
      .toLowerCase()
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  }
}
