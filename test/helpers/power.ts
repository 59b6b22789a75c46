/** What a power cut would leave of everything written through lib/files/write.ts: a model of a disk beside the real one. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { disk } from '../../lib/files/write.ts'

/** `now` is what a process sees, `safe` what was synced. */
type FileNode = { kind: 'file'; now: Buffer; safe: Buffer }
type FolderNode = { kind: 'folder'; now: Map<string, Node>; safe: Map<string, Node> }
type Node = FileNode | FolderNode

const newFile = (): FileNode => ({ kind: 'file', now: Buffer.alloc(0), safe: Buffer.alloc(0) })
const newFolder = (): FolderNode => ({ kind: 'folder', now: new Map(), safe: new Map() })

/**
 * What the disk did on its own before the power went.
 * "nothing": only what was synced is there. "names": every name is there, with the bytes that were synced.
 * "torn": names too, and half of the bytes that were not synced.
 */
export type Cut = 'nothing' | 'names' | 'torn'
export const cuts: readonly Cut[] = ['nothing', 'names', 'torn']

export class PowerModel {
  readonly #root: string
  readonly #tree = newFolder()
  readonly #open = new Map<unknown, Node>()
  operations = 0

  /** Models what happens below `root`, an empty folder whose own name is safe. */
  constructor(root: string) {
    this.#root = root
  }

  #parts(path: string): string[] {
    const inside = relative(this.#root, path)
    if (inside.startsWith('..')) throw new Error(`${path} is outside of the model`)
    return inside === '' ? [] : inside.split('/')
  }

  #node(parts: readonly string[]): Node {
    let node: Node = this.#tree
    for (const part of parts) {
      const next: Node | undefined = node.kind === 'folder' ? node.now.get(part) : undefined
      if (!next) throw new Error(`the model has no ${parts.join('/')}`)
      node = next
    }
    return node
  }

  #parent(path: string): { folder: FolderNode; name: string } {
    const parts = this.#parts(path)
    const folder = this.#node(parts.slice(0, -1))
    if (folder.kind !== 'folder') throw new Error(`${path} is not in a folder`)
    return { folder, name: parts.at(-1)! }
  }

  #opened(path: string, flags: string): Node {
    if (flags === 'r') return this.#node(this.#parts(path))
    const { folder, name } = this.#parent(path)
    const known = folder.now.get(name)
    if (known) return known
    const made = newFile()
    folder.now.set(name, made)
    return made
  }

  /**
   * Runs `work` with every operation modelled; `onOperation` is called after each one. Folders above the model
   * are synced too; that is not its affair.
   */
  async during<T>(work: () => Promise<T>, onOperation: () => void): Promise<T> {
    const real = { ...disk }
    const after = (change: () => void) => {
      change()
      this.operations += 1
      onOperation()
    }
    Object.assign(disk, {
      open: async (path: string, flags: string) => {
        const file = await real.open(path, flags)
        if (!relative(this.#root, path).startsWith('..')) this.#open.set(file, this.#opened(path, flags))
        return file
      },
      write: async (file: Parameters<typeof disk.write>[0], bytes: Uint8Array) => {
        const written = await real.write(file, bytes)
        const node = this.#open.get(file) as FileNode
        after(() => {
          node.now = Buffer.concat([node.now, bytes.subarray(0, written)])
        })
        return written
      },
      truncate: async (file: Parameters<typeof disk.truncate>[0], length: number) => {
        await real.truncate(file, length)
        const node = this.#open.get(file) as FileNode
        after(() => {
          node.now = node.now.subarray(0, length)
        })
      },
      sync: async (file: Parameters<typeof disk.sync>[0]) => {
        await real.sync(file)
        const node = this.#open.get(file)
        after(() => {
          if (node?.kind === 'file') node.safe = node.now
          else if (node) node.safe = new Map(node.now)
        })
      },
      mkdir: async (path: string) => {
        await real.mkdir(path)
        const { folder, name } = this.#parent(path)
        after(() => folder.now.set(name, newFolder()))
      },
      rename: async (from: string, to: string) => {
        await real.rename(from, to)
        const [source, target] = [this.#parent(from), this.#parent(to)]
        after(() => {
          target.folder.now.set(target.name, source.folder.now.get(source.name)!)
          source.folder.now.delete(source.name)
        })
      },
      remove: async (path: string) => {
        await real.remove(path)
        const { folder, name } = this.#parent(path)
        after(() => folder.now.delete(name))
      },
    })
    try {
      return await work()
    } finally {
      Object.assign(disk, real)
    }
  }

  /** Writes into `folder` what is left after a power cut at this moment. */
  leave(folder: string, cut: Cut): void {
    const put = (node: Node, path: string) => {
      if (node.kind === 'file') {
        const torn = node.now.subarray(0, Math.max(node.safe.length, node.now.length >> 1))
        writeFileSync(path, cut === 'torn' && node.now !== node.safe ? torn : node.safe)
        return
      }
      mkdirSync(path, { recursive: true })
      for (const [name, child] of cut === 'nothing' ? node.safe : node.now) put(child, join(path, name))
    }
    put(this.#tree, folder)
  }
}
