// Next: app/v1/[...path]/route.js. In next.config.js: serverExternalPackages: ['shinsaku', 'sharp'].
import { createHandler } from 'shinsaku'

// Models are opened by the first request, not while Next builds.
const handler = createHandler(process.env.RUN ?? 'runs')

export const runtime = 'nodejs'
export const dynamic = 'force-dynamic'
export { handler as GET, handler as POST }
