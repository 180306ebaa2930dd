/**
 * What the server uses of node:http. An `import` of it reads every export, among them the lazy WebSocket, which loads
 * all of undici: 4 MB in each process.
 */
export const { Agent, createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http')
