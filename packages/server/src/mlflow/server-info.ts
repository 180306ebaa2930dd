import { type MlflowRoute, route } from './route.ts'

/** What a client may count on: files in parts either way, no workspaces, no traces. */
export const SERVER_INFO_ROUTES: readonly MlflowRoute[] = [
  route('GET', 'server-info', 'read', {
    about: 'anyone',
    fields: {},
    answer: async () => ({
      store_type: 'SqlStore',
      workspaces_enabled: false,
      trace_archival_enabled: false,
      multipart_uploads_enabled: true,
      multipart_downloads_enabled: true,
    }),
  }),
]
