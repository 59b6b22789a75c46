/** Where a page listens. */
import { z } from 'zod'
import { option } from './option-spec.ts'

export const watchSpecs = {
  host: option(
    z.string().min(1).max(255),
    'Address or name to listen on. Where others can reach it, SHINSAKU_TOKEN must be set.',
    { default: '127.0.0.1', placeholder: 'HOST' },
  ),
  port: option(z.number().int().min(0).max(65_535), 'Port to listen on; 0 takes any that is free.', {
    default: 4700,
    placeholder: 'N',
  }),
}
