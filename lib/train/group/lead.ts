/** The session of rank 0, whose end is that of all. */
import type { Model } from '../../sampling/model.ts'
import { Session } from '../session.ts'
import type { SessionDeps } from '../session-deps.ts'
import type { Group } from './group.ts'

export class LeadSession extends Session {
  readonly #group: Group

  constructor(deps: SessionDeps, group: Group) {
    super({ ...deps, stopRequested: () => group.stopRequested })
    this.#group = group
  }

  override async train(): Promise<Model> {
    try {
      const model = await super.train()
      await this.#end()
      return model
    } catch (error) {
      // Saved and stopped is an end as any other.
      if ((error as { code?: unknown }).code === 'ABORT_ERR') await this.#end()
      else await this.#group.leave(error)
      throw error
    }
  }

  async #end(): Promise<void> {
    // A run that is complete does not fail because somebody left too early.
    await this.#group.commands.give({ do: 'end', run: this.folder }).catch(() => {})
    await this.#group.end()
  }
}
