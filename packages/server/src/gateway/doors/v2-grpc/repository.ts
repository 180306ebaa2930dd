import { MillwrightError } from '@millwright/contracts/errors'
import { type GrpcRoute, readRoute } from '../../grpc/route.ts'
import type { RouteDeps } from '../../routes.ts'
import { selectServed } from '../../serving-table.ts'
import { indexOf } from '../v2/metadata.ts'
import { INFERENCE, MODEL_REPOSITORY } from './services.ts'

/** What is served is decided by deployments: loading what is served succeeds, unloading is told how that is done here. */
export const repositoryRoutes = (deps: RouteDeps): GrpcRoute[] =>
  [INFERENCE, MODEL_REPOSITORY].flatMap((service) => [
    readRoute(deps, service.RepositoryIndex, 'read', ({ repository_name }) => {
      assertOneRepository(repository_name)
      return { models: indexOf(deps.table()) }
    }),
    readRoute(deps, service.RepositoryModelLoad, 'deploy', (message) => {
      const model_name = nameIn(message)
      selectServed(deps.table(), { name: model_name })
      return { model_name, isLoaded: true }
    }),
    readRoute(deps, service.RepositoryModelUnload, 'deploy', (message) => {
      selectServed(deps.table(), { name: nameIn(message) })
      throw new MillwrightError('NOT_SUPPORTED', {
        what: 'unloading a deployment by its clients',
        instead: 'replace its version with `millwright deploy` or `millwright rollback`',
      })
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
