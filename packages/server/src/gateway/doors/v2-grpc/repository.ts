import { MillwrightError } from '@millwright/contracts/errors'
import { type GrpcRoute, readRoute } from '../../grpc/route.ts'
import type { RouteDeps } from '../../routes.ts'
import { indexOf } from '../v2/metadata.ts'
import { assertNoOverride, changeLoaded } from '../v2/repository.ts'
import { INFERENCE, MODEL_REPOSITORY } from './services.ts'

/** As over REST. */
export const repositoryRoutes = (deps: RouteDeps): GrpcRoute[] =>
  [INFERENCE, MODEL_REPOSITORY].flatMap((service) => [
    readRoute(deps, service.RepositoryIndex, 'read', ({ repository_name }) => {
      assertOneRepository(repository_name)
      return { models: indexOf(deps.table()) }
    }),
    readRoute(deps, service.RepositoryModelLoad, 'deploy', async (message, exchange) => {
      const model_name = nameIn(message)
      assertNoOverride(message.parameters.keys())
      await changeLoaded(deps, exchange, { name: model_name, to: 'load' })
      return { model_name, isLoaded: true }
    }),
    readRoute(deps, service.RepositoryModelUnload, 'deploy', async (message, exchange) => {
      const model_name = nameIn(message)
      await changeLoaded(deps, exchange, { name: model_name, to: 'unload' })
      return { model_name, isUnloaded: true }
    }),
  ])

type Named = { readonly repository_name: string; readonly model_name: string }

/** KServe and MLServer's own service write the model's name where Triton has the repository's. */
function nameIn({ repository_name, model_name }: Named): string {
  if (model_name === '') return repository_name
  assertOneRepository(repository_name)
  return model_name
}

function assertOneRepository(name: string): void {
  if (name === '') return
  throw new MillwrightError('NOT_SUPPORTED', {
    what: 'a repository_name',
    instead: 'leave it empty, there is one repository',
  })
}
