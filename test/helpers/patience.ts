/** Tests that do not wait for what stays as it is. */
import { beforeEach, onTestFinished } from 'vitest'
import { patience } from '../../lib/files/shortage.ts'

/** Every wait for something short, or for a permission, takes a millisecond. */
export function useLittlePatience(): void {
  beforeEach(() => {
    const before = { ...patience }
    Object.assign(patience, { shortage: [1, 1, 1], permission: [1, 1, 1] })
    onTestFinished(() => void Object.assign(patience, before))
  })
}
