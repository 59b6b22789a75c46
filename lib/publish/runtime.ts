/** onnxruntime-web, which the page runs the model with: found where it is installed, and what the site takes of it. */
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ShinsakuError } from '../errors.ts'

/** The build for WebAssembly on the CPU: its loader, the loader's helper, and the program. */
const files = ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'] as const

export type RuntimeFile = { readonly name: string; readonly path: string; readonly bytes: number }

function entry(): string {
  try {
    return fileURLToPath(import.meta.resolve('onnxruntime-web/wasm'))
  } catch (cause) {
    throw new ShinsakuError(
      'TOOL_MISSING',
      'The page needs onnxruntime-web, which is not installed: npm install onnxruntime-web',
      {
        cause,
      },
    )
  }
}

/** Throws TOOL_MISSING where it is not installed. */
export async function runtimeFiles(): Promise<RuntimeFile[]> {
  const folder = dirname(entry())
  return Promise.all(
    files.map(async (name) => {
      const path = join(folder, name)
      try {
        return { name, path, bytes: (await stat(path)).size }
      } catch (cause) {
        throw new ShinsakuError(
          'TOOL_MISSING',
          `The installed onnxruntime-web lacks ${name}; npm install onnxruntime-web@1.30`,
          {
            cause,
          },
        )
      }
    }),
  )
}
