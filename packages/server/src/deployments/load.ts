import type { Deployment } from '@millwright/contracts'
import type { Actor, Context } from '../context.ts'
import { reviseDeployment } from './revise.ts'

type Target = Actor & { readonly name: string }

/** Takes a deployment out of the memory of every gateway. Its settings stay, and it answers nobody until it is loaded. */
export const unloadDeployment = (context: Context, target: Target): Promise<Deployment> =>
  reviseDeployment(context, target, ({ revision: { config } }) => ({
    config: { ...config, unloaded: true },
    action: 'unloaded',
  }))

export const loadDeployment = (context: Context, target: Target): Promise<Deployment> =>
  reviseDeployment(context, target, ({ revision: { config } }) => {
    const { unloaded: _unloaded, ...loaded } = config
    return { config: loaded, action: 'loaded' }
  })
